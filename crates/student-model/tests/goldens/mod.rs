//! The files that `generate.py` wrote, as tensors.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use relevance_data::TokenBatch;
use serde::Deserialize;

/// A padded batch, as `generate.py` described it.
#[derive(Deserialize, Clone)]
pub(crate) struct Inputs {
    pub(crate) input_ids: Vec<Vec<i64>>,
    pub(crate) token_type_ids: Vec<Vec<i64>>,
    pub(crate) attention_mask: Vec<Vec<i64>>,
}

impl Inputs {
    /// The batch, with a mask only if a row is padded.
    pub(crate) fn batch(&self, device: &Device) -> TokenBatch {
        let padded = self.attention_mask.iter().flatten().any(|m| *m == 0);
        TokenBatch {
            input_ids: ints(&self.input_ids, device),
            token_type_ids: ints(&self.token_type_ids, device),
            attention_mask: padded.then(|| self.mask(device)),
        }
    }

    /// The mask, `true` at real tokens.
    pub(crate) fn mask(&self, device: &Device) -> Tensor<2, Bool> {
        ints(&self.attention_mask, device).equal_elem(1)
    }
}

fn ints(rows: &[Vec<i64>], device: &Device) -> Tensor<2, Int> {
    let shape = [rows.len(), rows[0].len()];
    Tensor::from_data(TensorData::new(rows.concat(), shape), device)
}

/// The folder that the generator stands in.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// One of its JSON files.
pub(crate) fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// All numbers of a tensor.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Fails, naming the worst element, unless all are within `tolerance`, times the largest expected
/// number if that is above 1: a processor or backend that sums in another order rounds in
/// proportion to what it sums, also where the terms cancel.
pub(crate) fn assert_close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: count");
    let scale = expected.iter().fold(1.0_f64, |scale, e| scale.max(e.abs()));
    let far = |(f, e): (&f32, &f64)| (f64::from(*f) - e).abs() / scale;
    let differences = found.iter().zip(expected).map(far);
    let (at, worst) = differences
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap();
    let pair = (found[at], expected[at]);
    assert!(
        worst <= tolerance,
        "{what}[{at}]: {pair:?} differ by {worst:e}"
    );
    println!("{what}: within {worst:.1e}");
}
