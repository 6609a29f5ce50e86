//! The loss of one batch under each objective, and what is logged of it.

use burn::tensor::{Int, Tensor};
use crsd_loss::{
    CrsdInput, CrsdLoss, CrsdLossConfig, Diagnostics, cross_entropy, logit_kd, r_drop,
};
use training_loop::{StepContext, StepOutput};

use super::passes::PassOutput;
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

/// Both views of each pair: Figure 3 of arXiv 2510.11056. With `diagnose` the representations are
/// measured, which waits for the device.
pub(super) fn crsd_step(
    [standard, reasoned]: [PassOutput; 2],
    batch: StudentBatch,
    (config, loss): (&CrsdLossConfig, &CrsdLoss),
    context: &StepContext,
    diagnose: bool,
) -> Result<StepOutput, StudentError> {
    let scale = config
        .lambda_schedule(context.max_steps)
        .scale(context.step);
    let accuracies = [&standard, &reasoned].map(|view| accuracy(&view.logits, &batch.labels));
    let representations = diagnose.then(|| (standard.cls.clone(), reasoned.cls.clone()));
    let input = CrsdInput {
        standard_logits: standard.logits,
        reasoned_logits: reasoned.logits,
        standard: standard.cls,
        reasoned: reasoned.cls,
        labels: batch.labels,
        negatives: batch.negatives.clone(),
    };
    let terms = loss.forward(input, scale)?;
    let [standard_accuracy, reasoned_accuracy] = accuracies;
    let output = StepOutput::new(terms.per_example.mean())
        .with_tensor_metric("loss_sce", terms.standard_ce.mean())
        .with_tensor_metric("loss_tce", terms.reasoned_ce.mean())
        .with_tensor_metric("loss_align", terms.align.mean())
        .with_tensor_metric("accuracy", standard_accuracy)
        .with_tensor_metric("accuracy_reasoned", reasoned_accuracy)
        .with_metric("lambda", config.lambda * scale);
    let Some((standard, reasoned)) = representations else {
        return Ok(output);
    };
    let seen = Diagnostics::measure(standard, reasoned, batch.negatives.as_ref())?;
    let undefined = f64::NAN; // left out of the log
    Ok(output
        .with_metric("diagonal_accuracy", seen.diagonal_accuracy)
        .with_metric("alignment", seen.alignment)
        .with_metric("uniformity", seen.uniformity_standard.unwrap_or(undefined))
        .with_metric("positive_similarity", seen.mean_positive_similarity)
        .with_metric(
            "negative_similarity",
            seen.mean_negative_similarity.unwrap_or(undefined),
        ))
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
