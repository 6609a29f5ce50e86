//! The files that `generate.py` wrote, as tensors.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use pair_tokenizer::TokenBatch;
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

/// The numbers of real tokens: what stands at padding means nothing.
pub(crate) fn at_real_tokens(hidden: &[f64], inputs: &Inputs) -> Vec<f64> {
    let mask: Vec<i64> = inputs.attention_mask.concat();
    let width = hidden.len() / mask.len();
    let rows = hidden.chunks(width).zip(mask);
    rows.filter(|(_, real)| *real == 1)
        .flat_map(|(row, _)| row.to_vec())
        .collect()
}

/// A copy of a model folder with another `config.json`.
pub(crate) fn with_config(
    folder: &Path,
    edit: impl Fn(&mut serde_json::Value),
) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let weights = "model.safetensors";
    std::fs::copy(folder.join(weights), copy.path().join(weights)).unwrap();
    let text = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let mut config = serde_json::from_str(&text).unwrap();
    edit(&mut config);
    std::fs::write(copy.path().join("config.json"), config.to_string()).unwrap();
    copy
}

/// Dropout off, so that the numbers can be compared; the training path is taken all the same.
pub(crate) fn without_dropout(folder: &Path) -> tempfile::TempDir {
    with_config(folder, |config| {
        config["hidden_dropout_prob"] = 0.0.into();
        config["attention_probs_dropout_prob"] = 0.0.into();
    })
}
