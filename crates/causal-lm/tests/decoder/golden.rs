//! The fixtures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::Device;
use causal_lm::{CausalLm, LmExample};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The three families.
pub(crate) const MODELS: [&str; 3] = ["qwen3", "qwen2", "llama"];

#[derive(Deserialize)]
pub(crate) struct Golden {
    pub(crate) rows: Vec<Vec<u32>>,
    pub(crate) loss_mask: Vec<Vec<u8>>,
    pub(crate) logits: Vec<Vec<f32>>,
    pub(crate) sequence_log_probs: Vec<f64>,
    pub(crate) loss: f64,
    pub(crate) gradients: BTreeMap<String, Gradient>,
    pub(crate) prompts: Vec<Vec<u32>>,
    pub(crate) greedy: Vec<Vec<u32>>,
}

#[derive(Deserialize)]
pub(crate) struct Gradient {
    pub(crate) shape: Vec<usize>,
    pub(crate) norm: f64,
    pub(crate) head: Vec<f64>,
}

impl Golden {
    pub(crate) fn examples(&self) -> Vec<LmExample> {
        let rows = self.rows.iter().zip(&self.loss_mask);
        rows.map(|(ids, mask)| LmExample {
            ids: ids.clone(),
            loss_mask: mask.iter().map(|&counts| counts == 1).collect(),
            segment_ids: None,
        })
        .collect()
    }
}

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name)
}

pub(crate) fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
}

pub(crate) fn golden(model: &str) -> Golden {
    json(&format!("{model}.json"))
}

pub(crate) fn model(name: &str) -> CausalLm {
    CausalLm::from_dir(path(name), &Device::flex()).unwrap()
}

pub(crate) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max)
}
