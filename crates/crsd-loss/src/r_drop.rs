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
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{label_tensor, r_drop};
///
/// let device = Device::default();
/// let first = Tensor::<2>::from_floats([[3f32.ln(), 0.0]], &device); // softmax: 3/4, 1/4
/// let second = Tensor::zeros([1, 2], &device); // 1/2, 1/2
/// let output = r_drop(first, second, label_tensor(&[0], 2, &device)?, 1.0)?;
/// let (ce, kl): (f32, f32) = (output.cross_entropy.into_scalar(), output.divergence.into_scalar());
/// assert!((ce - 0.5 * ((4f32 / 3.0).ln() + 2f32.ln())).abs() < 1e-6);
/// assert!((kl - 0.25 * 0.5 * 3f32.ln()).abs() < 1e-6); // Σ (p - q)(ln p - ln q) / 2
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
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
