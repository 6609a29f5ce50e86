//! Supervised contrastive alignment: every example of the same label is a positive.

use burn::tensor::{Bool, DType, Int, Tensor};

use crate::align::{AlignInput, AlignLoss};
use crate::contrast::{Scale, contrast};
use crate::negative_mask::off_diagonal;
use crate::{CrsdLossError, Direction, InfoNceConfig, NegativeMask, unit_norm};

/// Supervised contrastive loss `L_out` (Khosla et al., arXiv 2004.11362, equation 2), per example:
///
/// `L_i = -1/|P(i)| Σ_{p ∈ P(i)} (S_ip - logsumexp_{a ∈ A(i)} S_ia)`, `S_ia = z_i · z_a / τ`, where
/// `P(i)` are the members of `A(i)` with the label of `i`.
///
/// With few classes most in-batch negatives of InfoNCE share the label, so that it pulls against
/// the cross entropy (METHOD, hazard 2); here they are positives instead.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{AlignInput, AlignLoss, CrsdInput, InfoNceConfig, SupCon, SupConViews, label_tensor};
///
/// let device = Device::default();
/// let logits = Tensor::<2>::zeros([2, 2], &device);
/// let view = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device);
/// let input = AlignInput::from(CrsdInput {
///     standard: view.clone(), reasoned: view,
///     standard_logits: logits.clone(), reasoned_logits: logits,
///     labels: label_tensor(&[1, 1], 2, &device)?, negatives: None, // one label: both are positives
/// });
/// let config = InfoNceConfig::new().with_temperature(1.0);
/// let loss = SupCon::new(&config, SupConViews::Across)?.per_example(input).mean();
/// let log_sum = (1f32.exp() + 1.0).ln(); // S = [[1, 0], [0, 1]]
/// assert!((loss.into_scalar::<f32>() - (log_sum - 0.5)).abs() < 1e-6);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SupCon {
    config: InfoNceConfig,
    views: SupConViews,
}

/// Whom an anchor of [`SupCon`] is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SupConViews {
    /// The other view: `A(i)` are the batch's reasoned views for a standard anchor, `i`'s own
    /// included. InfoNCE with more positives; [`Direction::Symmetric`] adds the reverse and takes
    /// the mean.
    #[default]
    Across,
    /// Both views, as in the paper's multiviewed batch: every view of every example is an anchor,
    /// `A(i)` are the other `2b - 1`, and an example's loss is the mean of its two anchors'. The
    /// direction does not matter.
    All,
}

impl SupCon {
    /// With the temperature, the direction and the norm threshold of `config`.
    ///
    /// # Errors
    /// As [`InfoNceConfig::validate`].
    pub fn new(config: &InfoNceConfig, views: SupConViews) -> Result<Self, CrsdLossError> {
        config.validate()?;
        Ok(Self {
            config: config.clone(),
            views,
        })
    }
}

impl AlignLoss for SupCon {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        let scale = Scale::new(input.inverse_temperature, self.config.temperature);
        let z = unit_norm(input.standard, self.config.norm_eps); // [b, h]
        let z_reasoned = unit_norm(input.reasoned, self.config.norm_eps); // [b, h]
        let same = same_label(input.labels); // [b, b]
        let negatives = input.negatives.as_ref();
        match (self.views, self.config.direction) {
            (SupConViews::Across, Direction::StandardToReasoned) => {
                across(z, z_reasoned, same, negatives, &scale)
            }
            (SupConViews::Across, Direction::Symmetric) => {
                let transposed = negatives.map(NegativeMask::transpose);
                let back = (z_reasoned.clone(), z.clone());
                let rows = across(z, z_reasoned, same.clone(), negatives, &scale);
                let columns = across(back.0, back.1, same, transposed.as_ref(), &scale);
                (rows + columns).mul_scalar(0.5)
            }
            (SupConViews::All, _) => all_views(z, z_reasoned, same, negatives, &scale),
        }
    }
}

/// One view's rows against the other's columns.
fn across(
    anchor: Tensor<2>,
    other: Tensor<2>,
    same: Tensor<2, Bool>,
    negatives: Option<&NegativeMask>,
    scale: &Scale,
) -> Tensor<1> {
    let excluded = negatives.map(|mask| mask.excluded().bool_and(same.clone().bool_not()));
    let positives = Some(shares(same));
    contrast(anchor, other, excluded, positives, scale)
}

/// Every view against every other one.
fn all_views(
    z: Tensor<2>,
    z_reasoned: Tensor<2>,
    same: Tensor<2, Bool>,
    negatives: Option<&NegativeMask>,
    scale: &Scale,
) -> Tensor<1> {
    let [b, _] = z.dims();
    let all = Tensor::cat(vec![z, z_reasoned], 0); // [2b, h]
    let others = off_diagonal(2 * b, &same.device()); // [2b, 2b]
    let left_out = match negatives {
        Some(mask) => mask
            .excluded()
            .bool_and(same.clone().bool_not())
            .repeat(&[2, 2]),
        None => others.clone().bool_not(),
    };
    let excluded = left_out.bool_or(others.clone().bool_not()); // [2b, 2b]
    let positives = Some(shares(same.repeat(&[2, 2]).bool_and(others)));
    let loss = contrast(all.clone(), all, Some(excluded), positives, scale); // [2b]
    (loss.clone().narrow(0, 0, b) + loss.narrow(0, b, b)).mul_scalar(0.5) // [b]
}

/// `[b, b]`, true where two rows have the same label; without autodiff.
fn same_label(labels: Tensor<1, Int>) -> Tensor<2, Bool> {
    let labels = labels.without_autodiff();
    let b = labels.dims()[0];
    let column = labels.clone().unsqueeze_dim::<2>(1).expand([b, b]);
    column.equal(labels.unsqueeze_dim::<2>(0).expand([b, b]))
}

/// Each row's positives, alike, with a sum of one.
fn shares(positives: Tensor<2, Bool>) -> Tensor<2> {
    let positives = positives.float().cast(DType::F32); // [m, n]
    positives.clone() / positives.sum_dim(1)
}
