//! Distillation of the teacher's class distribution.

use burn::tensor::Device;
use crsd_loss::{CrsdHeads, cross_entropy, logit_kd};
use serde::{Deserialize, Serialize};
use serde_json::json;
use training_loop::StepOutput;

use super::accuracy;
use crate::StudentError;
use crate::train::{Objective, ObjectiveContext, Passes, StudentBatch, View};

/// Below it a teacher's probability counts as this much, so that its logarithm is finite.
const LEAST_PROBABILITY: f32 = 1e-7;

/// Configuration of [`LogitKd`]. Unknown keys are refused, missing ones take their default.
///
/// ```
/// use student_model::LogitKdConfig;
/// assert_eq!(LogitKdConfig::new().with_temperature(4.0).temperature, 4.0);
/// let error = LogitKdConfig::new().with_weight(1.5).init().unwrap_err();
/// assert_eq!(error.to_string(), "`logit_kd.weight` is 1.5, allowed: 0 to 1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LogitKdConfig {
    /// T: both distributions are flattened by it. Default 2.
    pub temperature: f64,
    /// w: the share of the distillation term; the rest is cross entropy on the label. Default 1.
    pub weight: f64,
}

impl Default for LogitKdConfig {
    fn default() -> Self {
        Self {
            temperature: 2.0,
            weight: 1.0,
        }
    }
}

impl LogitKdConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_temperature: temperature = f64;
        with_weight: weight = f64;
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] names the field, its value and what is allowed.
    pub fn validate(&self) -> Result<(), StudentError> {
        let Self {
            temperature,
            weight,
        } = *self;
        if !(temperature.is_finite() && temperature > 0.0) {
            let field = "logit_kd.temperature";
            return Err(StudentError::invalid(field, temperature, "above 0"));
        }
        if !(0.0..=1.0).contains(&weight) {
            return Err(StudentError::invalid("logit_kd.weight", weight, "0 to 1"));
        }
        Ok(())
    }

    /// The objective.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self) -> Result<LogitKd, StudentError> {
        self.validate()?;
        Ok(LogitKd { config: *self })
    }
}

/// `w T² KL(p_T ‖ p_S) + (1 − w) CE` on the standard view, in nats (Hinton et al., arXiv 1503.02531).
///
/// ```
/// use student_model::{LogitKdConfig, Objective};
/// assert!(LogitKdConfig::new().init()?.needs_teacher_probabilities());
/// # Ok::<(), student_model::StudentError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LogitKd {
    config: LogitKdConfig,
}

impl Objective for LogitKd {
    type Heads = CrsdHeads;

    fn name(&self) -> &str {
        "logit_kd"
    }

    fn passes(&self) -> Vec<View> {
        vec![View::Standard]
    }

    fn needs_teacher_probabilities(&self) -> bool {
        true
    }

    fn init_heads(&self, _: usize, _: u64, _: &Device) -> Result<CrsdHeads, StudentError> {
        Ok(CrsdHeads::none())
    }

    fn step(
        &self,
        passes: Passes,
        _: &CrsdHeads,
        batch: &StudentBatch,
        _: &ObjectiveContext<'_>,
    ) -> Result<StepOutput, StudentError> {
        let LogitKdConfig {
            temperature,
            weight,
        } = self.config;
        let [standard] = passes.into_array()?;
        let accuracy = accuracy(&standard.logits, &batch.labels);
        let ce = cross_entropy(standard.logits.clone(), batch.labels.clone())?.mean();
        let teacher = batch.teacher_distributions()?.clamp_min(LEAST_PROBABILITY);
        let teacher_logits = teacher.log(); // [b, K]
        let kd = logit_kd(standard.logits, teacher_logits, temperature)?.mean();
        let loss = kd.clone().mul_scalar(weight) + ce.clone().mul_scalar(1.0 - weight);
        Ok(StepOutput::new(loss)
            .with_tensor_metric("loss_sce", ce)
            .with_tensor_metric("loss_kd", kd)
            .with_tensor_metric("accuracy", accuracy))
    }

    fn config(&self) -> serde_json::Value {
        json!({ self.name(): self.config })
    }
}
