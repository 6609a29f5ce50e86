//! The align term: what may stand between the two views.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::{CosineAlign, CrsdLossConfig, CrsdLossError, MseAlign, NegativeMask, ViewKl};

/// What an align term may look at: both views of a batch, shapes checked.
#[derive(Debug, Clone)]
pub struct AlignInput {
    /// `[b, k]`, logits of the standard view.
    pub standard_logits: Tensor<2>,
    /// `[b, k]`, logits of the reasoned view; outside the graph with `detach_reasoned`.
    pub reasoned_logits: Tensor<2>,
    /// `[b, h]`, representations of the standard view.
    pub standard: Tensor<2>,
    /// `[b, h]`, representations of the reasoned view; outside the graph with `detach_reasoned`.
    pub reasoned: Tensor<2>,
    /// `[b]`, classes.
    pub labels: Tensor<1, Int>,
    /// `[b, b]`, which rows may be negatives of which.
    pub negatives: Option<NegativeMask>,
}

/// A loss between the two views: one per example, at least zero, in the loss's own units.
///
/// To add one: write a file with a type that implements this trait, declare it in `lib.rs`, and
/// give it a variant in [`Align`].
pub trait AlignLoss: Debug + Send + Sync {
    /// # Shapes
    /// - output: `[b]`, f32, with the graph of the views
    fn per_example(&self, input: AlignInput) -> Tensor<1>;
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
}

impl Align {
    /// The term, with the hyper-parameters of `config`.
    pub(crate) fn init(self, config: &CrsdLossConfig) -> Result<Arc<dyn AlignLoss>, CrsdLossError> {
        Ok(match self {
            Align::InfoNce => Arc::new(config.info_nce().init()?),
            Align::Mse => Arc::new(MseAlign),
            Align::Cosine => Arc::new(CosineAlign::new(config.norm_eps)),
            Align::ViewKl => Arc::new(ViewKl::new(config.direction)),
        })
    }
}
