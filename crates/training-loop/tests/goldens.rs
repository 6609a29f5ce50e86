//! Against torch and transformers (`goldens/generate.py`).

mod support;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, TensorData};
use serde_json::Value;
use support::{Regressor, Task, floats};
use training_loop::*;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        let bound = tolerance * e.abs().max(1.0);
        assert!(
            (a - e).abs() <= bound,
            "{what}[{i}]: {a}, but the reference has {e}"
        );
    }
}

/// A Linear whose weight is the golden's [3, 4] as it stands.
fn linear(params: &Value, device: &Device) -> Linear {
    let mut linear = LinearConfig::new(3, 4).init(device);
    let weight = TensorData::new(floats(&params[0]), [3, 4]);
    linear.weight = Param::from_tensor(Tensor::from_data(weight, device));
    linear.bias = Some(Param::from_tensor(Tensor::from_floats(
        floats(&params[1]).as_slice(),
        device,
    )));
    linear
}

fn gradients(linear: &Linear, grads: &Value, device: &Device) -> GradientsParams {
    let mut registered = GradientsParams::new();
    let weight = TensorData::new(floats(&grads[0]), [3, 4]);
    registered.register(linear.weight.id, Tensor::<2>::from_data(weight, device));
    let bias = Tensor::<1>::from_floats(floats(&grads[1]).as_slice(), device);
    registered.register(linear.bias.as_ref().unwrap().id, bias);
    registered
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn adamw_works_like_torch() {
    let golden = golden(include_str!("goldens/adamw.json"));
    let device = Device::flex().autodiff();
    let config = TrainingConfig::new().with_weight_decay(golden["weight_decay"].as_f64().unwrap());
    let mut model = linear(&golden["start"], &device);
    let mut optimizer = adamw(&config, &model);
    for (i, step) in golden["steps"].as_array().unwrap().iter().enumerate() {
        let grads = gradients(&model, &step["grads"], &Device::flex());
        model = optimizer.step(step["lr"].as_f64().unwrap(), model, grads);
        let weight = values(model.weight.val());
        assert_close(
            &weight,
            &floats(&step["params"][0]),
            1e-6,
            &format!("weight, step {i}"),
        );
        let bias = values(model.bias.as_ref().unwrap().val());
        assert_close(
            &bias,
            &floats(&step["params"][1]),
            1e-6,
            &format!("bias, step {i}"),
        );
    }
}

#[test]
fn schedules_work_like_transformers() {
    let golden = golden(include_str!("goldens/schedules.json"));
    for case in golden["cases"].as_array().unwrap() {
        let schedule = LrSchedule {
            kind: serde_json::from_value(case["kind"].clone()).unwrap(),
            learning_rate: golden["learning_rate"].as_f64().unwrap(),
            warmup_steps: case["warmup_steps"].as_u64().unwrap() as usize,
            max_steps: case["max_steps"].as_u64().unwrap() as usize,
        };
        for (step, rate) in case["rates"].as_array().unwrap().iter().enumerate() {
            let (ours, theirs) = (schedule.learning_rate(step), rate.as_f64().unwrap());
            assert!(
                (ours - theirs).abs() < 1e-18,
                "{schedule:?}, step {step}: {ours} != {theirs}"
            );
        }
    }
}

#[test]
fn clipping_works_like_torch() {
    let device = Device::flex().autodiff();
    for case in golden(include_str!("goldens/clipping.json"))
        .as_array()
        .unwrap()
    {
        let model = linear(&case["grads"], &device);
        let grads = gradients(&model, &case["grads"], &Device::flex());
        let (grads, norm) = clip_grad_norm(&model, grads, case["max_norm"].as_f64().unwrap());
        assert_close(
            &[norm],
            &[case["norm"].as_f64().unwrap() as f32],
            1e-6,
            "norm",
        );
        let weight = values(grads.get::<2>(model.weight.id).unwrap());
        assert_close(&weight, &floats(&case["clipped"][0]), 1e-6, "weight");
        let bias = values(grads.get::<1>(model.bias.as_ref().unwrap().id).unwrap());
        assert_close(&bias, &floats(&case["clipped"][1]), 1e-6, "bias");
    }
}

#[test]
fn the_loop_works_like_transformers_trainer() {
    let golden = golden(include_str!("goldens/loop.json"));
    let device = Device::flex().autodiff();
    for run in golden["runs"].as_array().unwrap() {
        let config = TrainingConfig::new()
            .with_learning_rate(0.05)
            .with_weight_decay(0.1)
            .with_gradient_accumulation_steps(2)
            .with_num_train_epochs(3.0)
            .with_lr_scheduler_type(
                serde_json::from_value(run["lr_scheduler_type"].clone()).unwrap(),
            )
            .with_warmup_steps(2)
            .with_max_grad_norm(0.5)
            .with_logging_steps(1);
        let mut task = Task::new(15, BatchSampler::new(15, 3).sequential(), device.clone());
        task.x = floats(&golden["x"]);
        task.y = floats(&golden["y"]);
        let model = Regressor::from_state_dict(&golden["start"], &device);
        let report = Trainer::new(config, TrainerOptions::default())
            .fit(model, &task)
            .unwrap();

        let column = |of: fn(&LogEntry) -> f64| -> Vec<f32> {
            report.log_history.iter().map(|e| of(e) as f32).collect()
        };
        assert_eq!((report.global_step, report.interrupted), (9, false));
        assert_close(&column(|e| e.loss), &floats(&run["losses"]), 1e-5, "loss");
        assert_close(
            &column(|e| e.grad_norm),
            &floats(&run["grad_norms"]),
            1e-5,
            "grad_norm",
        );
        assert_close(
            &column(|e| e.learning_rate),
            &floats(&run["learning_rates"]),
            1e-9,
            "lr",
        );
        assert_close(&column(|e| e.epoch), &floats(&run["epochs"]), 1e-6, "epoch");

        let (model, end) = (report.model.valid(), &run["final"]);
        let up = values(model.up.weight.val().transpose());
        assert_close(&up, &floats(&end["up.weight"]), 1e-5, "up.weight");
        assert_close(
            &values(model.norm.gamma.val()),
            &floats(&end["norm.weight"]),
            1e-5,
            "norm",
        );
        let bias = values(model.down.bias.unwrap().val());
        assert_close(&bias, &floats(&end["down.bias"]), 1e-5, "down.bias");
    }
}
