//! R-Drop: two passes of one view under different dropout.

use burn::tensor::{Int, Tensor};

use crate::CrsdLossError;
use crate::cross_entropy::label_nll;
use crate::logit_kd::kl_divergence;
use crate::shape::{check_not_empty, check_shape};

/// The terms of R-Drop, one value per example.
#[derive(Debug, Clone)]
pub struct RDropOutput {
    /// `(CE_1 + CE_2) / 2`, `[b]`, nats.
    pub cross_entropy: Tensor<1>,
    /// `(KL(p_1 ‖ p_2) + KL(p_2 ‖ p_1)) / 2`, `[b]`, nats, before α.
    pub divergence: Tensor<1>,
    /// `cross_entropy + α · divergence`, `[b]`.
    pub per_example: Tensor<1>,
}

/// `(CE_1 + CE_2) / 2 + α (KL(p_1 ‖ p_2) + KL(p_2 ‖ p_1)) / 2`, per example (R-Drop,
/// arXiv 2106.14448, equations 1 to 3). The paper adds the two cross entropies; the mean, which
/// its published code takes, makes α = 0 the plain cross entropy. Gradients reach both passes.
///
/// # Shapes
/// - `first`, `second`: `[b, k]`, logits of the two passes
/// - `labels`: `[b]`, each in `0..k`
/// - outputs: `[b]`
///
/// # Errors
/// [`CrsdLossError::EmptyBatch`], [`CrsdLossError::ShapeMismatch`], and
/// [`CrsdLossError::InvalidArgument`] for a negative or non-finite `alpha`.
pub fn r_drop(
    first: Tensor<2>,
    second: Tensor<2>,
    labels: Tensor<1, Int>,
    alpha: f64,
) -> Result<RDropOutput, CrsdLossError> {
    let [b, k] = check_not_empty("first", &first)?;
    check_shape("second", second.dims(), [b, k], "first")?;
    check_shape("labels", labels.dims(), [b], "first")?;
    if !(alpha.is_finite() && alpha >= 0.0) {
        return Err(CrsdLossError::InvalidArgument {
            argument: "alpha",
            value: alpha,
            allowed: "a finite number, at least 0",
        });
    }
    let ce = label_nll(first.clone(), labels.clone()) + label_nll(second.clone(), labels);
    let forth = kl_divergence(first.clone(), second.clone(), 1.0);
    let back = kl_divergence(second, first, 1.0);
    let cross_entropy = ce.mul_scalar(0.5);
    let divergence = (forth + back).mul_scalar(0.5);
    Ok(RDropOutput {
        per_example: cross_entropy.clone() + divergence.clone().mul_scalar(alpha),
        cross_entropy,
        divergence,
    })
}
