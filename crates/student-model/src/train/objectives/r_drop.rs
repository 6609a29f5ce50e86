//! R-Drop: two passes of the standard view under different dropout.

use burn::tensor::Device;
use crsd_loss::{CrsdHeads, r_drop};
use serde::{Deserialize, Serialize};
use serde_json::json;
use training_loop::StepOutput;

use super::accuracy;
use crate::StudentError;
use crate::train::{Objective, ObjectiveContext, Passes, StudentBatch, View};

/// Configuration of [`RDrop`]. Unknown keys are refused, missing ones take their default.
///
/// ```
/// use student_model::RDropConfig;
/// assert_eq!(RDropConfig::new().with_alpha(2.0).alpha, 2.0);
/// let error = RDropConfig::new().with_alpha(-1.0).init().unwrap_err();
/// assert_eq!(error.to_string(), "`r_drop.alpha` is -1, allowed: a finite number of at least 0");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RDropConfig {
    /// α, at least 0. Default 1.
    pub alpha: f64,
}

impl Default for RDropConfig {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl RDropConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_alpha: alpha = f64;
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] names the field, its value and what is allowed.
    pub fn validate(&self) -> Result<(), StudentError> {
        if self.alpha.is_finite() && self.alpha >= 0.0 {
            return Ok(());
        }
        let allowed = "a finite number of at least 0";
        Err(StudentError::invalid("r_drop.alpha", self.alpha, allowed))
    }

    /// The objective.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self) -> Result<RDrop, StudentError> {
        self.validate()?;
        Ok(RDrop { config: *self })
    }
}

/// `(CE_1 + CE_2) / 2 + α (KL(p_1 ‖ p_2) + KL(p_2 ‖ p_1)) / 2`, in nats: two passes of the standard view
/// that differ in dropout (R-Drop, arXiv 2106.14448, equations 1 to 3, halved so that α 0 is cross
/// entropy). Reasons are not read.
///
/// ```
/// use student_model::{Objective, RDropConfig, View};
/// assert_eq!(RDropConfig::new().init()?.passes(), [View::Standard, View::Standard]);
/// # Ok::<(), student_model::StudentError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RDrop {
    config: RDropConfig,
}

impl Objective for RDrop {
    type Heads = CrsdHeads;

    fn name(&self) -> &str {
        "r_drop"
    }

    fn passes(&self) -> Vec<View> {
        vec![View::Standard, View::Standard]
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
        let [first, second] = passes.into_array()?;
        let labels = batch.labels.clone();
        let accuracy = accuracy(&first.logits, &labels);
        let terms = r_drop(first.logits, second.logits, labels, self.config.alpha)?;
        Ok(StepOutput::new(terms.per_example.mean())
            .with_tensor_metric("loss_sce", terms.cross_entropy.mean())
            .with_tensor_metric("loss_r_drop", terms.divergence.mean())
            .with_tensor_metric("accuracy", accuracy))
    }

    fn config(&self) -> serde_json::Value {
        json!({ self.name(): self.config })
    }
}
