//! Inputs without a random generator of their own: the same bytes on every device.

use burn::tensor::{Device, Int, Tensor, TensorData};
use pair_tokenizer::TokenBatch;

/// The next number of a 64-bit linear congruential generator (Knuth's MMIX constants), in 0..1.
fn uniform(state: &mut u64) -> f32 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u64 << 24) as f32
}

/// `[rows, columns]`, uniform in -1..1.
pub fn random_matrix(shape: [usize; 2], seed: u64, device: &Device) -> Tensor<2> {
    let mut state = seed;
    let values: Vec<f32> = (0..shape[0] * shape[1])
        .map(|_| 2.0 * uniform(&mut state) - 1.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// `[b]`, classes in turn.
pub fn labels(batch: usize, num_classes: usize, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = (0..batch).map(|i| (i % num_classes) as i64).collect();
    Tensor::from_data(TensorData::new(values, [batch]), device)
}

/// `[b, t]`, ids in 1000..30000: ordinary word pieces of BERT's vocabulary.
pub fn token_ids(shape: [usize; 2], seed: u64, device: &Device) -> Tensor<2, Int> {
    let mut state = seed;
    let values: Vec<i64> = (0..shape[0] * shape[1])
        .map(|_| 1000 + (uniform(&mut state) * 29_000.0) as i64)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A batch in which no row is padded, so that no mask is built; `dims` is `[b, t]`.
pub fn token_batch(dims: [usize; 2], seed: u64, device: &Device) -> TokenBatch {
    TokenBatch {
        input_ids: token_ids(dims, seed, device),
        token_type_ids: Tensor::zeros(dims, device),
        attention_mask: None,
    }
}
