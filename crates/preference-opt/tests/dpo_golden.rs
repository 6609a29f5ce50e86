//! The DPO loss against trl and torch (`goldens/generate.py`).

use burn::Tensor;
use burn::tensor::Device;
use preference_opt::{DpoLoss, PairLogProbs, PreferenceLoss};
use serde_json::Value;

fn floats(value: &Value) -> Vec<f32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap() as f32)
        .collect()
}

fn assert_close(actual: Tensor<1>, expected: &[f32], what: &str) {
    let actual: Vec<f32> = actual.into_data().iter::<f32>().collect();
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        let bound = 1e-5 * e.abs().max(1.0);
        assert!(
            (a - e).abs() <= bound,
            "{what}[{i}]: {a}, but the reference has {e}"
        );
    }
}

#[test]
fn dpo_works_like_trl() {
    let cases: Value = serde_json::from_str(include_str!("goldens/dpo.json")).unwrap();
    let device = Device::flex().autodiff();
    let tensor = |v: &Value| Tensor::<1>::from_floats(floats(v).as_slice(), &device);
    let mut from_trl = 0;
    for (i, case) in cases.as_array().unwrap().iter().enumerate() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let loss = DpoLoss::new()
            .with_beta(number("beta"))
            .with_label_smoothing(number("label_smoothing"))
            .with_nll_weight(number("nll_weight"));
        loss.validate().unwrap();
        let chosen = tensor(&case["chosen"]).require_grad();
        let rejected = tensor(&case["rejected"]).require_grad();
        let [chosen_tokens, rejected_tokens] =
            ["chosen_tokens", "rejected_tokens"].map(|key| tensor(&case[key]));
        let policy = PairLogProbs {
            chosen: chosen.clone(),
            rejected: rejected.clone(),
            chosen_tokens: chosen_tokens.clone(),
            rejected_tokens: rejected_tokens.clone(),
        };
        let reference = PairLogProbs {
            chosen: tensor(&case["ref_chosen"]),
            rejected: tensor(&case["ref_rejected"]),
            chosen_tokens,
            rejected_tokens,
        };
        let output = loss.forward(policy, reference);
        assert_close(
            output.per_example.clone().inner(),
            &floats(&case["per_example"]),
            &format!("case {i}, loss"),
        );
        if let Some(expected) = case["trl_loss"].as_f64() {
            from_trl += 1;
            let mean = output.per_example.clone().mean().inner();
            assert_close(mean, &[expected as f32], &format!("case {i}, TRL's loss"));
            for (name, value) in output.metrics() {
                let expected = case["trl_metrics"][name].as_f64().unwrap() as f32;
                assert_close(value, &[expected], &format!("case {i}, {name}"));
            }
        }
        let grads = output.per_example.mean().backward();
        for (leaf, key) in [(chosen, "grad_chosen"), (rejected, "grad_rejected")] {
            let grad = leaf.grad(&grads).unwrap();
            assert_close(grad, &floats(&case[key]), &format!("case {i}, {key}"));
        }
    }
    assert_eq!(from_trl, 5);
}

#[test]
fn each_bad_parameter_is_named() {
    let base = DpoLoss::default();
    for (name, loss) in [
        ("`beta`", base.with_beta(0.0)),
        ("`beta`", base.with_beta(f64::NAN)),
        ("`label_smoothing`", base.with_label_smoothing(0.5)),
        ("`nll_weight`", base.with_nll_weight(-1.0)),
    ] {
        let message = loss.validate().unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
    }
}
