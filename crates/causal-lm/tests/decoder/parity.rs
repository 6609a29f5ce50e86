//! Values and gradients of `transformers` and torch.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use causal_lm::{
    CausalLm, GenerationConfig, LmBatch, next_token_loss, sequence_log_probs, token_log_probs,
};
use serde::Deserialize;

use crate::golden::{MODELS, golden, json, largest_difference, model, path};

#[test]
fn logits_equal_transformers() {
    for name in MODELS {
        let golden = golden(name);
        let batch = LmBatch::collate(&golden.examples(), 0, &Device::flex()).unwrap();
        let logits = model(name).forward(&batch); // [b, t, v]
        let v = logits.dims()[2];
        for (row, expected) in golden.logits.iter().enumerate() {
            let real = logits
                .clone()
                .narrow(0, row, 1)
                .narrow(1, 0, expected.len() / v);
            let found = real.into_data().try_to_vec::<f32>().unwrap();
            let difference = largest_difference(&found, expected);
            assert!(difference < 1e-4, "{name}, row {row}: {difference}");
        }
    }
}

#[test]
fn log_probs_and_loss_equal_torch() {
    for name in MODELS {
        let golden = golden(name);
        let batch = LmBatch::collate(&golden.examples(), 0, &Device::flex()).unwrap();
        let model = model(name);
        let fast = sequence_log_probs(&model, &batch);
        let plain = token_log_probs(model.forward(&batch), &batch).sum_dim(1);
        let rows = fast.sum.to_data().try_to_vec::<f32>().unwrap();
        let plain = plain.into_data().try_to_vec::<f32>().unwrap();
        assert!(largest_difference(&rows, &plain) < 1e-4);
        for (found, expected) in rows.iter().zip(&golden.sequence_log_probs) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-4,
                "{name}: {found} for {expected}"
            );
        }
        assert_eq!(
            fast.tokens.into_data().try_to_vec::<f32>().unwrap(),
            [7.0, 5.0]
        );
        let loss: f64 = next_token_loss(&model, &batch).unwrap().into_scalar();
        assert!(
            (loss - golden.loss).abs() < 1e-5,
            "{name}: {loss} for {}",
            golden.loss
        );
    }
}

#[test]
fn gradients_equal_torch() {
    for name in MODELS {
        let golden = golden(name);
        let device = Device::flex().autodiff();
        let model = CausalLm::from_dir(path(name), &device).unwrap();
        let batch = LmBatch::collate(&golden.examples(), 0, &device).unwrap();
        let gradients = next_token_loss(&model, &batch).unwrap().backward();
        let found = GradientsByName::collect(&model, &gradients);
        for (key, expected) in &golden.gradients {
            let (shape, values) = &found[key];
            assert_eq!(shape, &expected.shape, "{name} {key}");
            let norm = values
                .iter()
                .map(|v| f64::from(*v).powi(2))
                .sum::<f64>()
                .sqrt();
            let relative = (norm - expected.norm).abs() / expected.norm;
            assert!(
                relative < 1e-5,
                "{name} {key}: norm {norm} for {}",
                expected.norm
            );
            for (found, expected) in values.iter().zip(&expected.head) {
                let difference = (f64::from(*found) - expected).abs();
                let allowed = 1e-5 * (expected.abs() + norm);
                assert!(difference < allowed, "{name} {key}: {found} for {expected}");
            }
        }
    }
}

/// Gradients in the layout and under the names of the Hugging Face file.
struct GradientsByName<'a> {
    gradients: &'a Gradients,
    path: Vec<(String, bool)>,
    found: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl<'a> GradientsByName<'a> {
    fn collect(
        model: &CausalLm,
        gradients: &'a Gradients,
    ) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
        let (path, found) = (Vec::new(), BTreeMap::new());
        let mut visitor = Self {
            gradients,
            path,
            found,
        };
        model.visit(&mut visitor);
        visitor.found
    }
}

impl ModuleVisitor for GradientsByName<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path
            .push((name.to_owned(), container_type == "Struct:Linear"));
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(mut gradient) = param.val().grad(self.gradients) else {
            return;
        };
        let in_linear = self.path.iter().any(|(_, linear)| *linear);
        if in_linear && D == 2 {
            gradient = gradient.transpose();
        }
        let names: Vec<&str> = self.path.iter().map(|(name, _)| name.as_str()).collect();
        let name = names.join(".").replace("gamma", "weight");
        let shape = gradient.dims().to_vec();
        self.found
            .insert(name, (shape, gradient.into_data().try_to_vec().unwrap()));
    }
}

#[test]
fn greedy_replies_equal_transformers() {
    for name in MODELS {
        let golden = golden(name);
        let config = GenerationConfig {
            max_new_tokens: 24,
            ..Default::default()
        };
        let replies = model(name).generate(&golden.prompts, &config).unwrap();
        assert_eq!(replies, golden.greedy, "{name}");
    }
}

#[test]
fn sampling_rules_equal_transformers() {
    #[derive(Deserialize)]
    struct Case {
        temperature: f64,
        top_k: usize,
        top_p: f64,
        logits: Vec<f32>,
        probabilities: Vec<f64>,
    }
    for case in json::<Vec<Case>>("sampling.json") {
        let Case {
            temperature,
            top_k,
            top_p,
            ..
        } = case;
        let config = GenerationConfig {
            do_sample: true,
            temperature,
            top_k,
            top_p,
            ..Default::default()
        };
        let mut found = vec![0.0; case.logits.len()];
        for (id, probability) in config.token_distribution(&case.logits) {
            found[id as usize] = probability;
        }
        for (found, expected) in found.iter().zip(&case.probabilities) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{config:?}: {found} for {expected}"
            );
        }
    }
}
