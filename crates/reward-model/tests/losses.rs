//! The losses against torch (`goldens/generate.py`).

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use reward_model::{bradley_terry_loss, masked_regression_loss};
use serde_json::Value;

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        Value::Bool(flag) => vec![f32::from(u8::from(*flag))],
        number => vec![number.as_f64().unwrap() as f32],
    }
}

fn assert_close<const D: usize>(actual: Tensor<D>, expected: &Value, what: &str) {
    let actual: Vec<f32> = actual.into_data().iter::<f32>().collect();
    let expected = floats(expected);
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (a, e) in actual.iter().zip(expected) {
        assert!(
            (a - e).abs() <= 1e-5 * e.abs().max(1.0),
            "{what}: {a}, torch has {e}"
        );
    }
}

#[test]
fn bradley_terry_works_like_torch() {
    let device = Device::flex().autodiff();
    let cases: Value = serde_json::from_str(include_str!("goldens/bradley_terry.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let leaf = |key: &str| {
            Tensor::<1>::from_floats(floats(&case[key]).as_slice(), &device).require_grad()
        };
        let (chosen, rejected) = (leaf("chosen"), leaf("rejected"));
        let margin = case["margin"].as_f64().unwrap();
        let loss = bradley_terry_loss(chosen.clone(), rejected.clone(), margin);
        assert_close(loss.clone().inner(), &case["loss"], "loss");
        let grads = loss.mean().backward();
        assert_close(chosen.grad(&grads).unwrap(), &case["grad_chosen"], "chosen");
        assert_close(
            rejected.grad(&grads).unwrap(),
            &case["grad_rejected"],
            "rejected",
        );
    }
}

#[test]
fn masked_regression_works_like_torch() {
    let device = Device::flex().autodiff();
    let cases: Value =
        serde_json::from_str(include_str!("goldens/masked_regression.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let shape: [usize; 2] = serde_json::from_value(case["shape"].clone()).unwrap();
        let present: Vec<bool> = floats(&case["present"]).iter().map(|&p| p == 1.0).collect();
        // What stands at a missing dimension must not matter, not even NaN.
        let targets = floats(&case["targets"]).into_iter().zip(&present);
        let targets: Vec<f32> = targets
            .map(|(t, &p)| if p { t } else { f32::NAN })
            .collect();
        let data = TensorData::new(floats(&case["predictions"]), shape);
        let predictions = Tensor::<2>::from_data(data, &device).require_grad();
        let output = masked_regression_loss(
            predictions.clone(),
            Tensor::from_data(TensorData::new(targets, shape), &device),
            Tensor::from_data(TensorData::new(present, shape), &device),
        );
        assert_eq!(output.squared_error.dims(), [shape[0]]);
        let loss = output.mean();
        assert_close(loss.clone().inner(), &case["loss"], "loss");
        let grads = loss.backward();
        assert_close(predictions.grad(&grads).unwrap(), &case["grad"], "gradient");
    }
}
