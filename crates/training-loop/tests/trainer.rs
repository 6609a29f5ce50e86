//! What the trainer refuses, and what it leaves on disk.

mod support;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use support::{Regressor, Task};
use training_loop::*;

fn config() -> TrainingConfig {
    TrainingConfig::new()
        .with_learning_rate(0.02)
        .with_max_steps(10)
        .with_logging_steps(4)
}

fn task() -> Task {
    Task::new(20, BatchSampler::new(20, 4), Device::flex().autodiff())
}

fn model() -> Regressor {
    Regressor::new(0.0, &Device::flex().autodiff())
}

fn options(dir: &Path) -> TrainerOptions {
    TrainerOptions::new().with_output_dir(dir.to_owned())
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_loss_that_is_not_finite_names_step_epoch_and_batch() {
    for (value, accumulation, step) in [(f32::NAN, 1, 7), (f32::INFINITY, 1, 7), (f32::NAN, 2, 4)] {
        let mut task = task();
        task.poison = Some((1, 2, value));
        let config = config().with_gradient_accumulation_steps(accumulation);
        let error = Trainer::new(config, TrainerOptions::default())
            .fit(model(), &task)
            .unwrap_err();
        assert!(error.is_divergence());
        let TrainError::NonFiniteLoss {
            step: s,
            epoch,
            batch,
            loss,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((s, epoch, batch), (step, 1, 2));
        assert!(!loss.is_finite());
    }
}

/// A loss that is finite and whose gradient is not: the square root at zero. On a plain device it
/// has no gradient at all.
struct InfiniteSlope(Device);

impl TrainTask for InfiniteSlope {
    type Model = burn::nn::Linear;
    type Batch = ();
    type Error = std::convert::Infallible;
    fn num_batches(&self) -> usize {
        3
    }
    fn batch(&self, _: usize, _: usize, _: u64) -> Result<(), Self::Error> {
        Ok(())
    }
    fn step(
        &self,
        model: &Self::Model,
        (): (),
        _: &StepContext,
    ) -> Result<StepOutput, Self::Error> {
        let zero = burn::Tensor::<2>::zeros([1, 2], &self.0);
        if !self.0.is_autodiff() {
            return Ok(StepOutput::new(zero.sum()));
        }
        Ok(StepOutput::new(model.forward(zero).sqrt().sum()))
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_refused() {
    let device = Device::flex().autodiff();
    let model = burn::nn::LinearConfig::new(2, 1)
        .with_bias(false)
        .init(&device);
    let error = Trainer::new(config(), TrainerOptions::default())
        .fit(model, &InfiniteSlope(device))
        .unwrap_err();
    assert!(
        matches!(
            error,
            TrainError::NonFiniteGradient {
                step: 0,
                epoch: 0,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_loss_that_depends_on_no_parameter_is_refused() {
    let device = Device::flex();
    let model = burn::nn::LinearConfig::new(2, 1).init(&device.clone().autodiff());
    let error = Trainer::new(config(), TrainerOptions::default())
        .fit(model, &InfiniteSlope(device))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its loss is not on an autodiff device"),
        "{error}"
    );
}

#[test]
fn an_output_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let path = file.join("run");
    let error = Trainer::new(config(), options(&path))
        .fit(model(), &task())
        .unwrap_err();
    let TrainError::OutputDir { path: named, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(named, path);
}

#[test]
fn only_the_last_checkpoints_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let config = config().with_save_steps(3).with_save_total_limit(2);
    let report = Trainer::new(config, options(dir.path()))
        .fit(model(), &task())
        .unwrap();
    assert_eq!(report.global_step, 10);
    assert_eq!(
        names(dir.path()),
        ["checkpoint-10", "checkpoint-9", LOG_FILE]
    );
    let files = names(&dir.path().join("checkpoint-10"));
    let expected = [
        "checksums.json",
        "model.bpk",
        "optimizer.bpk",
        "trainer_state.json",
    ];
    assert_eq!(files, expected);
}

#[test]
fn earlier_checkpoints_are_not_mixed_with_a_new_run() {
    let dir = tempfile::tempdir().unwrap();
    let config = config().with_save_steps(5);
    let first = Trainer::new(config.clone(), options(dir.path()));
    first.fit(model(), &task()).unwrap();
    fs::write(dir.path().join("notes.txt"), "kept").unwrap();
    let error = first.fit(model(), &task()).unwrap_err();
    assert!(
        matches!(error, TrainError::OutputDirInUse { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("checkpoint-10"), "{error}");

    let config = config.with_max_steps(5);
    let over = options(dir.path()).with_overwrite_output_dir(true);
    Trainer::new(config, over).fit(model(), &task()).unwrap();
    assert_eq!(names(dir.path()), ["checkpoint-5", LOG_FILE, "notes.txt"]);
}

#[test]
fn a_request_stops_the_run_before_its_first_step() {
    let dir = tempfile::tempdir().unwrap();
    let interrupt = Interrupt::new();
    interrupt.request();
    let options = options(dir.path()).with_interrupt(interrupt);
    let report = Trainer::new(config(), options)
        .fit(model(), &task())
        .unwrap();
    assert!(report.interrupted);
    assert_eq!((report.global_step, report.max_steps), (0, 10));
    assert_eq!(names(dir.path()), [LOG_FILE]);
}

#[test]
fn the_log_holds_means_since_the_entry_before() {
    let dir = tempfile::tempdir().unwrap();
    let every = config().with_logging_steps(1);
    let start = model();
    let each = Trainer::new(every, TrainerOptions::default())
        .fit(start.clone(), &task())
        .unwrap();
    let four = Trainer::new(config(), options(dir.path()))
        .fit(start, &task())
        .unwrap();
    let steps: Vec<usize> = four.log_history.iter().map(|e| e.step).collect();
    assert_eq!(steps, [4, 8, 10]);
    let mean = each.log_history[4..8].iter().map(|e| e.loss).sum::<f64>() / 4.0;
    assert!((four.log_history[1].loss - mean).abs() < 1e-12);
    assert_eq!(four.log_history[1].metrics["rows"], 4.0);
    assert!(four.log_history[1].metrics["absolute_error"] > 0.0);
    assert!(four.log_history[1].metrics["examples_per_second"] > 0.0);
    assert_eq!(four.log_history[2].epoch, 2.0);

    let text = fs::read_to_string(dir.path().join(LOG_FILE)).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    for key in [
        "step",
        "epoch",
        "loss",
        "learning_rate",
        "grad_norm",
        "absolute_error",
        "rows",
    ] {
        assert!(line[key].is_number(), "{key} in {line}");
    }
}

#[test]
fn a_model_off_the_autodiff_device_is_refused() {
    let model = Regressor::new(0.0, &Device::flex());
    let error = Trainer::new(config(), TrainerOptions::default())
        .fit(model, &task())
        .unwrap_err();
    assert!(matches!(error, TrainError::NotTrainable { .. }), "{error}");
}

#[test]
fn a_task_without_batches_is_refused() {
    let task = Task::new(0, BatchSampler::new(0, 4), Device::flex().autodiff());
    let error = Trainer::new(config(), TrainerOptions::default())
        .fit(model(), &task)
        .unwrap_err();
    assert!(matches!(error, TrainError::NoBatches { .. }), "{error}");
}

#[test]
fn the_loss_goes_down() {
    let config = config().with_max_steps(200);
    let report = Trainer::new(config, TrainerOptions::default())
        .fit(model(), &task())
        .unwrap();
    let (first, last) = (&report.log_history[0], report.log_history.last().unwrap());
    assert!(
        last.loss < 0.5 * first.loss,
        "{} -> {}",
        first.loss,
        last.loss
    );
}
