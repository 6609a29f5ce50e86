//! Mean squared error between the two views' representations.

use burn::tensor::{DType, Tensor};

use crate::{AlignInput, AlignLoss};

/// `1/h |x - x'|²`, per example, on the representations as they are: no negatives, no norm.
///
/// An ablation of the batch align (METHOD, grid cell f): it asks the views to agree and nothing
/// to differ, so only the cross entropy keeps it from collapsing.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{AlignInput, AlignLoss, CrsdInput, MseAlign, label_tensor};
///
/// let device = Device::default();
/// let logits = Tensor::<2>::zeros([1, 2], &device);
/// let input = AlignInput::from(CrsdInput {
///     standard: Tensor::from_floats([[1.0, 3.0]], &device),
///     reasoned: Tensor::from_floats([[1.0, 1.0]], &device),
///     standard_logits: logits.clone(), reasoned_logits: logits,
///     labels: label_tensor(&[0], 2, &device)?, negatives: None,
/// });
/// assert_eq!(MseAlign.per_example(input).into_scalar::<f32>(), 2.0); // (0 + 4) / 2
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct MseAlign;

impl AlignLoss for MseAlign {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        let standard = input.standard.cast(DType::F32); // [b, h]
        let reasoned = input.reasoned.cast(DType::F32); // [b, h]
        let squared = (standard - reasoned).square(); // [b, h]
        squared.mean_dim(1).squeeze_dim::<1>(1) // [b]
    }
}
