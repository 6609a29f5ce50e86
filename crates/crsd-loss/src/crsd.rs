//! The objective: two cross entropies and the align term between the views.

use std::sync::Arc;

use burn::tensor::{DType, Int, Tensor};

use crate::align::{AlignInput, AlignLoss};
use crate::cross_entropy::label_nll;
use crate::memory_queue::check_queue;
use crate::shape::{check_not_empty, check_shape};
use crate::{
    AlignWeighting, CrsdHeads, CrsdLossConfig, CrsdLossError, CrsdStep, LearnableTemperature,
    NegativeMask,
};

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
    /// `w`, `[b]`, the weight of each example's align term; `None`: 1 for all.
    pub align_weights: Option<Tensor<1>>,
    /// `[b, d]`, what the align term saw of the reasoned view, after the projection head if there
    /// is one, without a graph: what [`MemoryQueue::push`](crate::MemoryQueue::push) takes.
    pub reasoned: Tensor<2>,
    /// `L_sce + L_tce + λ · lambda_scale · w · L_align`, `[b]`: the one to call `mean().backward()` on.
    pub per_example: Tensor<1>,
}

/// `L = L_sce + L_tce + λ L_align`: an implementation of the objective of Figure 3 of "From
/// Reasoning LLMs to BERT" (arXiv 2510.11056).
#[derive(Debug, Clone)]
pub struct CrsdLoss {
    lambda: f64,
    detach_reasoned: bool,
    learnable_temperature: bool,
    projection: bool,
    weighting: AlignWeighting,
    align: Arc<dyn AlignLoss>,
}

impl CrsdLoss {
    pub(crate) fn new(config: &CrsdLossConfig) -> Result<Self, CrsdLossError> {
        Ok(Self {
            lambda: config.lambda,
            detach_reasoned: config.detach_reasoned,
            learnable_temperature: config.learnable_temperature,
            projection: config.projection.is_some(),
            weighting: config.align_weighting,
            align: config.align.init(config)?,
        })
    }

    /// The same objective around an align term of one's own, in the place of the configuration's
    /// `align`.
    pub fn with_align_loss(mut self, align: Arc<dyn AlignLoss>) -> Self {
        self.align = align;
        self
    }

    /// Whether this objective goes with a [`MemoryQueue`](crate::MemoryQueue), as
    /// [`forward_with`](Self::forward_with) asks for when it is given one.
    ///
    /// # Errors
    /// [`CrsdLossError::QueueRefused`] unless the reasoned side is detached and the align term reads
    /// the queue.
    pub fn check_queue(&self) -> Result<(), CrsdLossError> {
        check_queue(self.detach_reasoned, self.align.reads_queue())
    }

    /// The terms of every example, for a configuration without parts that learn. `lambda_scale`
    /// multiplies λ: [`LambdaSchedule::scale`] during warm-up, otherwise 1.
    ///
    /// [`LambdaSchedule::scale`]: crate::LambdaSchedule::scale
    ///
    /// # Shapes
    /// - as in [`CrsdInput`]; every output `[b]`
    ///
    /// # Errors
    /// As [`forward_with`](Self::forward_with).
    pub fn forward(
        &self,
        input: CrsdInput,
        lambda_scale: f64,
    ) -> Result<CrsdOutput, CrsdLossError> {
        self.forward_with(input, CrsdStep::new(lambda_scale))
    }

    /// The terms of every example, with what the step adds to the batch.
    ///
    /// With a weight of zero the align term is still computed, without a graph.
    ///
    /// # Shapes
    /// - as in [`CrsdInput`]; every output `[b]`
    ///
    /// # Errors
    /// [`CrsdLossError::EmptyBatch`] when a dimension is 0, [`CrsdLossError::ShapeMismatch`] when
    /// two tensors disagree, [`CrsdLossError::InvalidArgument`] for a negative or non-finite
    /// `lambda_scale`, [`CrsdLossError::MissingHeads`] when the configuration has a part that
    /// learns and the step lacks it.
    pub fn forward_with(
        &self,
        input: CrsdInput,
        step: CrsdStep<'_>,
    ) -> Result<CrsdOutput, CrsdLossError> {
        input.check()?;
        let lambda_scale = step.lambda_scale;
        if !(lambda_scale.is_finite() && lambda_scale >= 0.0) {
            return Err(CrsdLossError::InvalidArgument {
                argument: "lambda_scale",
                value: lambda_scale,
                allowed: "a finite number, at least 0",
            });
        }
        self.check_heads(step.heads)?;
        let align_weights = self.align_weights(&input, &step)?;
        let weight = self.lambda * lambda_scale;
        let standard_ce = label_nll(input.standard_logits.clone(), input.labels.clone());
        let reasoned_ce = label_nll(input.reasoned_logits.clone(), input.labels.clone());
        let input = self.align_input(input, weight, step)?;
        let reasoned = input.reasoned.clone().without_autodiff();
        let align = self.align.per_example(input);

        let ce = standard_ce.clone() + reasoned_ce.clone();
        let per_example = match (weight == 0.0, &align_weights) {
            (true, _) => ce, // Not `ce + 0 · align`: an infinite align term would make it NaN.
            (false, None) => ce + align.clone().mul_scalar(weight),
            (false, Some(w)) => ce + align.clone() * w.clone().mul_scalar(weight),
        };
        Ok(CrsdOutput {
            standard_ce,
            reasoned_ce,
            align,
            align_weights,
            reasoned,
            per_example,
        })
    }

    /// The policy's weights times the step's own, `[b]`, without a graph.
    fn align_weights(
        &self,
        input: &CrsdInput,
        step: &CrsdStep<'_>,
    ) -> Result<Option<Tensor<1>>, CrsdLossError> {
        let (logits, labels) = (&input.standard_logits, &input.labels);
        let teacher = step.teacher_probabilities.as_ref();
        let policy = self.weighting.weights(logits, labels, teacher)?;
        let Some(own) = step.align_weights.clone() else {
            return Ok(policy);
        };
        check_shape("align_weights", own.dims(), labels.dims(), "labels")?;
        let own = own.without_autodiff().cast(DType::F32);
        Ok(Some(match policy {
            Some(policy) => policy * own,
            None => own,
        }))
    }

    fn check_heads(&self, heads: Option<&CrsdHeads>) -> Result<(), CrsdLossError> {
        let projection = heads.and_then(CrsdHeads::projection).is_some();
        let temperature = heads.and_then(CrsdHeads::temperature).is_some();
        let missing = |field| Err(CrsdLossError::MissingHeads { field });
        if self.projection && !projection {
            return missing("projection");
        }
        if self.learnable_temperature && !temperature {
            return missing("learnable_temperature");
        }
        Ok(())
    }

    fn align_input(
        &self,
        mut input: CrsdInput,
        weight: f64,
        step: CrsdStep<'_>,
    ) -> Result<AlignInput, CrsdLossError> {
        let mut inverse_temperature = None;
        if let Some(heads) = step.heads {
            inverse_temperature = heads.temperature().map(LearnableTemperature::inverse);
            input.standard = heads.project(input.standard)?;
            input.reasoned = heads.project(input.reasoned)?;
        }
        if let Some(queue) = &step.queue {
            self.check_queue()?;
            queue.check(input.reasoned.dims())?;
        }
        let mut input = AlignInput {
            inverse_temperature,
            queue: step.queue,
            ..AlignInput::from(input)
        };
        let untrained = weight == 0.0;
        if untrained {
            input.standard_logits = input.standard_logits.without_autodiff();
            input.standard = input.standard.without_autodiff();
            input.inverse_temperature = input.inverse_temperature.map(Tensor::without_autodiff);
        }
        if untrained || self.detach_reasoned {
            input.reasoned_logits = input.reasoned_logits.without_autodiff();
            input.reasoned = input.reasoned.without_autodiff();
        }
        Ok(input)
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
