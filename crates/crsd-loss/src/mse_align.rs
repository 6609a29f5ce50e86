//! Mean squared error between the two views' representations.

use burn::tensor::{DType, Tensor};

use crate::{AlignInput, AlignLoss};

/// `1/h |x - x'|²`, per example, on the representations as they are: no negatives, no norm.
///
/// An ablation of the batch align (METHOD, grid cell f): it asks the views to agree and nothing
/// to differ, so only the cross entropy keeps it from collapsing.
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
