//! Cosine distance between the two views' representations.

use burn::tensor::Tensor;

use crate::{AlignInput, AlignLoss, unit_norm};

/// `1 - cos(x, x')`, per example, 0 to 2; no negatives.
///
/// An ablation of the batch align (METHOD, grid cell f): InfoNCE's numerator alone.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{AlignInput, AlignLoss, CrsdInput, CosineAlign, label_tensor};
///
/// let device = Device::default();
/// let logits = Tensor::<2>::zeros([2, 2], &device);
/// let input = AlignInput::from(CrsdInput {
///     standard: Tensor::from_floats([[1.0, 0.0], [1.0, 0.0]], &device),
///     reasoned: Tensor::from_floats([[0.0, 2.0], [-3.0, 0.0]], &device),
///     standard_logits: logits.clone(), reasoned_logits: logits,
///     labels: label_tensor(&[0, 1], 2, &device)?, negatives: None,
/// });
/// let distance = CosineAlign::new(1e-6).per_example(input);
/// assert_eq!(distance.into_data().try_into_vec::<f32>().unwrap(), [1.0, 2.0]);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CosineAlign {
    norm_eps: f64,
}

impl CosineAlign {
    /// `norm_eps`: the norm below which a representation has no direction ([`unit_norm`]).
    pub fn new(norm_eps: f64) -> Self {
        Self { norm_eps }
    }
}

impl AlignLoss for CosineAlign {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        let z = unit_norm(input.standard, self.norm_eps); // [b, h]
        let z_reasoned = unit_norm(input.reasoned, self.norm_eps); // [b, h]
        let cosine = (z * z_reasoned).sum_dim(1).squeeze_dim::<1>(1); // [b]
        cosine.neg().add_scalar(1.0)
    }
}
