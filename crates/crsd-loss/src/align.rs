//! The align term: what may stand between the two views.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    CosineAlign, CrsdInput, CrsdLossConfig, CrsdLossError, MseAlign, NegativeMask, QueuedNegatives,
    SupCon, SupConViews, ViewKl,
};

/// What an align term may look at: both views of a batch, shapes checked.
///
/// [`CrsdLoss`](crate::CrsdLoss) makes it; `AlignInput::from` a [`CrsdInput`] is one for a term that
/// is called on its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AlignInput {
    /// `[b, k]`, logits of the standard view.
    pub standard_logits: Tensor<2>,
    /// `[b, k]`, logits of the reasoned view; outside the graph with `detach_reasoned`.
    pub reasoned_logits: Tensor<2>,
    /// `[b, h]`, representations of the standard view, projected if there is a head.
    pub standard: Tensor<2>,
    /// `[b, h]`, representations of the reasoned view, projected likewise; outside the graph with `detach_reasoned`.
    pub reasoned: Tensor<2>,
    /// `[b]`, classes.
    pub labels: Tensor<1, Int>,
    /// `[b, b]`, which rows may be negatives of which.
    pub negatives: Option<NegativeMask>,
    /// `[1]`, `1 / τ` with its graph when τ is learned; `None`: the term's own τ.
    pub inverse_temperature: Option<Tensor<1>>,
    /// Reasoned views of earlier batches; only for terms that read them.
    pub queue: Option<QueuedNegatives>,
}

impl From<CrsdInput> for AlignInput {
    /// The batch as it is: shapes unchecked, nothing detached, no learned temperature, no queue.
    fn from(input: CrsdInput) -> Self {
        Self {
            standard_logits: input.standard_logits,
            reasoned_logits: input.reasoned_logits,
            standard: input.standard,
            reasoned: input.reasoned,
            labels: input.labels,
            negatives: input.negatives,
            inverse_temperature: None,
            queue: None,
        }
    }
}

/// A loss between the two views: one per example, at least zero, in the loss's own units.
///
/// To add one: write a file with a type that implements this trait and declare it in `lib.rs`. From
/// another crate the type is enough (`student_model::Crsd::with_align_loss` trains a student by it; what
/// `Debug` writes of it is compared when a run is resumed):
///
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{AlignInput, AlignLoss, CrsdInput, CrsdLossConfig, label_tensor};
///
/// /// Mean absolute difference of the representations.
/// #[derive(Debug)]
/// struct L1Align;
///
/// impl AlignLoss for L1Align {
///     fn per_example(&self, input: AlignInput) -> Tensor<1> {
///         let difference = input.standard - input.reasoned; // [b, h]
///         difference.abs().mean_dim(1).squeeze_dim::<1>(1) // [b]
///     }
/// }
///
/// let device = Device::default();
/// let standard = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0]], &device);
/// let reasoned = Tensor::<2>::from_floats([[1.0, 1.0], [3.0, 2.0]], &device);
/// let input = CrsdInput { standard_logits: standard.clone(), reasoned_logits: reasoned.clone(),
///     standard, reasoned, labels: label_tensor(&[0, 1], 2, &device)?, negatives: None };
/// let loss = CrsdLossConfig::new().init()?.with_align_loss(Arc::new(L1Align));
/// let output = loss.forward(input, 1.0)?;
/// assert_eq!(output.align.into_data().iter::<f32>().collect::<Vec<_>>(), [0.5, 1.5]);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
pub trait AlignLoss: Debug + Send + Sync {
    /// # Shapes
    /// - output: `[b]`, f32, with the graph of the views
    fn per_example(&self, input: AlignInput) -> Tensor<1>;

    /// Whether the term reads [`AlignInput::queue`]. Default: no, and a queue is refused.
    fn reads_queue(&self) -> bool {
        false
    }
}

/// The align terms that a configuration can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Align {
    /// [`InfoNce`](crate::InfoNce): the batch align of the paper's Figure 3.
    #[default]
    InfoNce,
    /// [`MseAlign`]: mean squared error of the representations.
    Mse,
    /// [`CosineAlign`]: cosine distance of the representations.
    Cosine,
    /// [`ViewKl`]: divergence of the predictions.
    ViewKl,
    /// [`SupCon`] across the views: InfoNCE whose positives are all examples of the label.
    SupCon,
    /// [`SupCon`] over all `2b` views, as its paper has it.
    SupConAllViews,
}

impl Align {
    /// The term, with the hyper-parameters of `config`.
    pub(crate) fn init(self, config: &CrsdLossConfig) -> Result<Arc<dyn AlignLoss>, CrsdLossError> {
        Ok(match self {
            Align::InfoNce => Arc::new(config.info_nce().init()?),
            Align::Mse => Arc::new(MseAlign),
            Align::Cosine => Arc::new(CosineAlign::new(config.norm_eps)),
            Align::ViewKl => Arc::new(ViewKl::new(config.direction)),
            Align::SupCon => Arc::new(SupCon::new(&config.info_nce(), SupConViews::Across)?),
            Align::SupConAllViews => Arc::new(SupCon::new(&config.info_nce(), SupConViews::All)?),
        })
    }
}
