//! The loss of one batch under each objective, and what is logged of it.

use std::sync::MutexGuard;

use burn::tensor::{Int, Tensor};
use crsd_loss::{
    CollapseAlarm, CrsdHeads, CrsdInput, CrsdLoss, CrsdLossConfig, CrsdStep, Diagnostics,
    cross_entropy, logit_kd, r_drop,
};
use training_loop::{StepContext, StepOutput};

use super::passes::PassOutput;
use super::queue::StudentQueue;
use super::{LogitKdConfig, RDropConfig, StudentBatch};
use crate::StudentError;

/// Below it a teacher's probability counts as this much, so that its logarithm is finite.
const LEAST_PROBABILITY: f32 = 1e-7;

/// Cross entropy of the standard view.
pub(super) fn cross_entropy_step(
    standard: PassOutput,
    batch: StudentBatch,
) -> Result<StepOutput, StudentError> {
    let accuracy = accuracy(&standard.logits, &batch.labels);
    let loss = cross_entropy(standard.logits, batch.labels)?.mean();
    Ok(StepOutput::new(loss.clone())
        .with_tensor_metric("loss_sce", loss)
        .with_tensor_metric("accuracy", accuracy))
}

/// Distillation of the teacher's distribution, mixed with cross entropy.
pub(super) fn logit_kd_step(
    standard: PassOutput,
    batch: StudentBatch,
    config: &LogitKdConfig,
) -> Result<StepOutput, StudentError> {
    let accuracy = accuracy(&standard.logits, &batch.labels);
    let ce = cross_entropy(standard.logits.clone(), batch.labels)?.mean();
    let Some(teacher) = batch.teacher_probabilities else {
        return Ok(StepOutput::new(ce));
    };
    let teacher_logits = teacher.clamp_min(LEAST_PROBABILITY).log(); // [b, K]
    let kd = logit_kd(standard.logits, teacher_logits, config.temperature)?.mean();
    let loss = kd.clone().mul_scalar(config.weight) + ce.clone().mul_scalar(1.0 - config.weight);
    Ok(StepOutput::new(loss)
        .with_tensor_metric("loss_sce", ce)
        .with_tensor_metric("loss_kd", kd)
        .with_tensor_metric("accuracy", accuracy))
}

/// Two passes of the standard view under different dropout.
pub(super) fn r_drop_step(
    [first, second]: [PassOutput; 2],
    batch: StudentBatch,
    config: &RDropConfig,
) -> Result<StepOutput, StudentError> {
    let accuracy = accuracy(&first.logits, &batch.labels);
    let terms = r_drop(first.logits, second.logits, batch.labels, config.alpha)?;
    Ok(StepOutput::new(terms.per_example.mean())
        .with_tensor_metric("loss_sce", terms.cross_entropy.mean())
        .with_tensor_metric("loss_r_drop", terms.divergence.mean())
        .with_tensor_metric("accuracy", accuracy))
}

/// What CRSD's loss needs besides a batch.
pub(super) struct Crsd<'a> {
    pub(super) config: &'a CrsdLossConfig,
    pub(super) loss: &'a CrsdLoss,
    pub(super) heads: Option<&'a CrsdHeads>,
    pub(super) queue: Option<MutexGuard<'a, StudentQueue>>,
    pub(super) alarm: &'a CollapseAlarm,
    /// Whether the representations are measured, which waits for the device.
    pub(super) diagnose: bool,
}

/// Both views of each pair: Figure 3 of arXiv 2510.11056.
pub(super) fn crsd_step(
    [standard, reasoned]: [PassOutput; 2],
    batch: StudentBatch,
    mut crsd: Crsd<'_>,
    context: &StepContext,
) -> Result<StepOutput, StudentError> {
    let schedule = crsd.config.lambda_schedule(context.max_steps);
    let scale = schedule.scale(context.step);
    let [standard_accuracy, reasoned_accuracy] =
        [&standard, &reasoned].map(|view| accuracy(&view.logits, &batch.labels));
    let standard_cls = standard.cls.clone();
    let step = crsd.step(&batch, scale);
    let input = CrsdInput {
        standard_logits: standard.logits,
        reasoned_logits: reasoned.logits,
        standard: standard.cls,
        reasoned: reasoned.cls,
        labels: batch.labels,
        negatives: batch.negatives.clone(),
    };
    let terms = crsd.loss.forward_with(input, step)?;
    let mut output = StepOutput::new(terms.per_example.mean())
        .with_tensor_metric("loss_sce", terms.standard_ce.mean())
        .with_tensor_metric("loss_tce", terms.reasoned_ce.mean())
        .with_tensor_metric("loss_align", terms.align.mean())
        .with_tensor_metric("accuracy", standard_accuracy)
        .with_tensor_metric("accuracy_reasoned", reasoned_accuracy)
        .with_metric("lambda", crsd.config.lambda * scale);
    if let Some(temperature) = crsd.heads.and_then(CrsdHeads::temperature) {
        output = output.with_tensor_metric("temperature", temperature.temperature());
    }
    if let Some(queue) = &mut crsd.queue {
        output = output.with_metric("queue_length", queue.len() as f64);
        queue.push(terms.reasoned.clone(), &batch.keys)?;
    }
    if !crsd.diagnose {
        return Ok(output);
    }
    // What the align term compares.
    let standard_cls = standard_cls.without_autodiff();
    let standard = match crsd.heads {
        Some(heads) => heads.project(standard_cls)?,
        None => standard_cls,
    };
    let seen = Diagnostics::measure(standard, terms.reasoned, batch.negatives.as_ref())?;
    let symptoms = crsd.alarm.symptoms(&seen);
    output = with_diagnostics(output, &seen);
    output = output.with_metric("collapse_symptoms", symptoms.len() as f64);
    // Before λ is at its height the views have had no time to meet; without it they need not.
    if scale == 1.0 && crsd.config.lambda > 0.0 {
        for symptom in symptoms {
            output = output.with_warning(format!("collapse: {symptom}"));
        }
    }
    Ok(output)
}

impl<'a> Crsd<'a> {
    /// What the step adds to the batch.
    fn step(&self, batch: &StudentBatch, lambda_scale: f64) -> CrsdStep<'a> {
        let queue = self.queue.as_ref();
        let mut step = CrsdStep::new(lambda_scale)
            .with_queue(queue.and_then(|queue| queue.negatives(&batch.keys)));
        if let Some(heads) = self.heads {
            step = step.with_heads(heads);
        }
        if let Some(probabilities) = &batch.teacher_probabilities {
            step = step.with_teacher_probabilities(probabilities.clone());
        }
        if let Some(weights) = &batch.align_weights {
            step = step.with_align_weights(weights.clone());
        }
        step
    }
}

/// How the two views of the batch lie to each other. An undefined figure is not finite, and so left
/// out of the log.
fn with_diagnostics(output: StepOutput, seen: &Diagnostics) -> StepOutput {
    let defined = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let figures = [
        ("diagonal_accuracy", seen.diagonal_accuracy),
        ("chance_accuracy", defined(seen.chance_accuracy)),
        ("alignment", seen.alignment),
        ("uniformity", defined(seen.uniformity_standard)),
        ("uniformity_reasoned", defined(seen.uniformity_reasoned)),
        ("positive_similarity", seen.mean_positive_similarity),
        (
            "negative_similarity",
            defined(seen.mean_negative_similarity),
        ),
        ("effective_rank", seen.rank_standard),
        ("effective_rank_reasoned", seen.rank_reasoned),
    ];
    let add = |output: StepOutput, (name, value)| output.with_metric(name, value);
    figures.into_iter().fold(output, add)
}

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
