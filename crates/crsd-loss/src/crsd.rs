//! The objective: two cross entropies and the align term between the views.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};

use crate::align::{AlignInput, AlignLoss};
use crate::cross_entropy::label_nll;
use crate::shape::{check_not_empty, check_shape};
use crate::{CrsdLossConfig, CrsdLossError, NegativeMask};

/// Both views of a batch, as the student computed them.
#[derive(Debug, Clone)]
pub struct CrsdInput {
    /// `[b, k]`, logits of the standard view (query, item).
    pub standard_logits: Tensor<2>,
    /// `[b, k]`, logits of the reasoned view (query, item, reason).
    pub reasoned_logits: Tensor<2>,
    /// `[b, h]`, representations of the standard view, of any norm.
    pub standard: Tensor<2>,
    /// `[b, h]`, representations of the reasoned view, of any norm.
    pub reasoned: Tensor<2>,
    /// `[b]`, classes in `0..k` ([`label_tensor`](crate::label_tensor) makes sure of it).
    pub labels: Tensor<1, Int>,
    /// Which rows may be negatives of which; `None`: all others.
    pub negatives: Option<NegativeMask>,
}

/// The terms of the objective, one value per example; the caller reduces.
#[derive(Debug, Clone)]
pub struct CrsdOutput {
    /// `L_sce`, `[b]`, nats.
    pub standard_ce: Tensor<1>,
    /// `L_tce`, `[b]`, nats.
    pub reasoned_ce: Tensor<1>,
    /// `L_align`, `[b]`, before λ; nats for InfoNCE.
    pub align: Tensor<1>,
    /// `L_sce + L_tce + λ · lambda_scale · L_align`, `[b]`: the one to call `mean().backward()` on.
    pub per_example: Tensor<1>,
}

/// `L = L_sce + L_tce + λ L_align`: an implementation of the objective of Figure 3 of "From
/// Reasoning LLMs to BERT" (arXiv 2510.11056).
#[derive(Debug, Clone)]
pub struct CrsdLoss {
    lambda: f64,
    detach_reasoned: bool,
    align: Arc<dyn AlignLoss>,
}

impl CrsdLoss {
    pub(crate) fn new(config: &CrsdLossConfig) -> Result<Self, CrsdLossError> {
        Ok(Self {
            lambda: config.lambda,
            detach_reasoned: config.detach_reasoned,
            align: config.align.init(config)?,
        })
    }

    /// The same objective around an align term of one's own.
    pub fn with_align_loss(mut self, align: Arc<dyn AlignLoss>) -> Self {
        self.align = align;
        self
    }

    /// The terms of every example. `lambda_scale` multiplies λ: [`LambdaSchedule::scale`] during
    /// warm-up, otherwise 1.
    ///
    /// With a weight of zero the align term is still computed, without a graph.
    ///
    /// [`LambdaSchedule::scale`]: crate::LambdaSchedule::scale
    ///
    /// # Shapes
    /// - as in [`CrsdInput`]; every output `[b]`
    ///
    /// # Errors
    /// [`CrsdLossError::EmptyBatch`] when a dimension is 0, [`CrsdLossError::ShapeMismatch`] when
    /// two tensors disagree, [`CrsdLossError::InvalidArgument`] for a negative or non-finite
    /// `lambda_scale`.
    pub fn forward(
        &self,
        input: CrsdInput,
        lambda_scale: f64,
    ) -> Result<CrsdOutput, CrsdLossError> {
        input.check()?;
        if !(lambda_scale.is_finite() && lambda_scale >= 0.0) {
            return Err(CrsdLossError::InvalidArgument {
                argument: "lambda_scale",
                value: lambda_scale,
                allowed: "a finite number, at least 0",
            });
        }
        let weight = self.lambda * lambda_scale;
        let standard_ce = label_nll(input.standard_logits.clone(), input.labels.clone());
        let reasoned_ce = label_nll(input.reasoned_logits.clone(), input.labels.clone());
        let align = self.align.per_example(self.align_input(input, weight));

        let ce = standard_ce.clone() + reasoned_ce.clone();
        let per_example = if weight == 0.0 {
            ce // Not `ce + 0 · align`: an infinite align term would make it NaN.
        } else {
            ce + align.clone().mul_scalar(weight)
        };
        Ok(CrsdOutput {
            standard_ce,
            reasoned_ce,
            align,
            per_example,
        })
    }

    fn align_input(&self, input: CrsdInput, weight: f64) -> AlignInput {
        let keep = |tensor: Tensor<2>, detach: bool| match detach {
            true => tensor.without_autodiff(),
            false => tensor,
        };
        let detach_standard = weight == 0.0;
        let detach_reasoned = detach_standard || self.detach_reasoned;
        AlignInput {
            standard_logits: keep(input.standard_logits, detach_standard),
            reasoned_logits: keep(input.reasoned_logits, detach_reasoned),
            standard: keep(input.standard, detach_standard),
            reasoned: keep(input.reasoned, detach_reasoned),
            labels: input.labels,
            negatives: input.negatives,
        }
    }
}

impl CrsdInput {
    fn check(&self) -> Result<(), CrsdLossError> {
        let [b, k] = check_not_empty("standard_logits", &self.standard_logits)?;
        let reasoned_logits = self.reasoned_logits.dims();
        check_shape(
            "reasoned_logits",
            reasoned_logits,
            [b, k],
            "standard_logits",
        )?;
        let [_, h] = check_not_empty("standard", &self.standard)?;
        check_shape("standard", self.standard.dims(), [b, h], "standard_logits")?;
        check_shape("reasoned", self.reasoned.dims(), [b, h], "standard")?;
        check_shape("labels", self.labels.dims(), [b], "standard_logits")?;
        if let Some(mask) = &self.negatives {
            check_shape("negatives", [mask.batch_size(); 2], [b, b], "standard")?;
        }
        Ok(())
    }
}
