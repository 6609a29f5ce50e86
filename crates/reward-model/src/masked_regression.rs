//! Regression on several dimensions, some of them missing.

use burn::Tensor;
use burn::tensor::Bool;

/// Squared errors of the dimensions that are present.
#[derive(Debug, Clone)]
pub struct MaskedRegression {
    /// `[b]`, the sum over the example's present dimensions.
    pub squared_error: Tensor<1>,
    /// `[b]`, how many dimensions the example has.
    pub present: Tensor<1>,
}

impl MaskedRegression {
    /// `[1]`, the mean over all dimensions present in the batch; 0 if there is none.
    pub fn mean(&self) -> Tensor<1> {
        self.squared_error.clone().sum() / self.present.clone().sum().clamp_min(1.0)
    }
}

/// `Σ_d m_d (r̂_d − r_d)²` for each example; a missing dimension adds neither loss nor gradient,
/// whatever stands in `targets` for it (NaN included).
///
/// The gradient is `2 m_d (r̂_d − r_d)`, so that a missing target is as if its head had not been asked.
///
/// ```
/// use burn::{Tensor, tensor::{Bool, Device}};
/// use reward_model::masked_regression_loss;
///
/// let device = Device::flex();
/// let predictions = Tensor::<2>::from_floats([[0.5, 0.9]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0, f32::NAN]], &device);
/// let present = Tensor::<2, Bool>::from_data([[true, false]], &device);
/// let loss = masked_regression_loss(predictions, targets, present);
/// assert_eq!(loss.mean().into_scalar::<f32>(), 0.25);
/// ```
///
/// # Shapes
/// - `predictions`, `targets`: `[b, D]`
/// - `present`: `[b, D]`, `true` where the dimension is known
pub fn masked_regression_loss(
    predictions: Tensor<2>,
    targets: Tensor<2>,
    present: Tensor<2, Bool>,
) -> MaskedRegression {
    let missing = present.clone().bool_not();
    let errors = (predictions - targets).mask_fill(missing, 0.0); // [b, D]
    MaskedRegression {
        squared_error: errors.square().sum_dim(1).squeeze_dim(1), // [b]
        present: present.float().sum_dim(1).squeeze_dim(1),       // [b]
    }
}
