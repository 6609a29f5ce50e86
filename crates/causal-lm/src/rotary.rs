//! Rotary position embedding (Su et al., 2104.09864) in Hugging Face's rotate-half layout.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Cosines and sines of a batch's positions.
///
/// Dimension `i` of a head turns together with dimension `i + d/2`, by the angle
/// `position * theta^(-2i/d)`.
#[derive(Debug, Clone)]
pub(crate) struct Rotary {
    /// `[b, t, 1, d]`; both halves are equal.
    cos: Tensor<4>,
    /// `[b, t, 1, d]`.
    sin: Tensor<4>,
}

impl Rotary {
    /// # Shapes
    /// - `positions`: `[b, t]`
    pub(crate) fn new(positions: Tensor<2, Int>, head_dim: usize, theta: f64) -> Self {
        let device = positions.device();
        let frequencies = inverse_frequencies(head_dim, theta, &device); // [1, 1, d/2]
        let angles = positions.float().unsqueeze_dim::<3>(2) * frequencies; // [b, t, d/2]
        let angles = Tensor::cat(vec![angles.clone(), angles], 2).unsqueeze_dim::<4>(2); // [b, t, 1, d]
        Self {
            cos: angles.clone().cos(),
            sin: angles.sin(),
        }
    }

    /// Turns queries or keys.
    ///
    /// # Shapes
    /// - `x`: `[b, t, heads, d]`, and the output
    pub(crate) fn rotate(&self, x: Tensor<4>) -> Tensor<4> {
        let half = x.dims()[3] / 2;
        let first = x.clone().narrow(3, 0, half); // [b, t, heads, d/2]
        let second = x.clone().narrow(3, half, half); // [b, t, heads, d/2]
        let rotated = Tensor::cat(vec![second.neg(), first], 3); // [b, t, heads, d]
        x * self.cos.clone() + rotated * self.sin.clone()
    }
}

/// `theta^(-2i/d)` for `i` in `0..d/2`.
fn inverse_frequencies(head_dim: usize, theta: f64, device: &Device) -> Tensor<3> {
    let half = head_dim / 2;
    let exponent = |i: usize| (2 * i) as f64 / head_dim as f64;
    let values: Vec<f32> = (0..half)
        .map(|i| (1.0 / theta.powf(exponent(i))) as f32)
        .collect();
    Tensor::from_data(TensorData::new(values, [1, 1, half]), device)
}
