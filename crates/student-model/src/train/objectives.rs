//! The objectives of this crate, one file each.

mod cross_entropy;
mod crsd;
mod logit_kd;
mod queue;
mod r_drop;

use burn::tensor::{Int, Tensor};

pub use cross_entropy::CrossEntropy;
pub use crsd::Crsd;
pub use logit_kd::{LogitKd, LogitKdConfig};
pub use r_drop::{RDrop, RDropConfig};

/// Share of rows whose largest logit is the label's, `[1]`.
fn accuracy(logits: &Tensor<2>, labels: &Tensor<1, Int>) -> Tensor<1> {
    let predicted = logits
        .clone()
        .without_autodiff()
        .argmax(1)
        .squeeze_dim::<1>(1); // [b]
    predicted
        .equal(labels.clone().without_autodiff())
        .float()
        .mean()
}
