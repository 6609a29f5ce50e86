//! The objectives that a configuration can name.

use std::sync::Arc;

use crsd_loss::{CrsdHeads, CrsdLossConfig};
use serde::{Deserialize, Serialize};

use super::{CrossEntropy, Crsd, LogitKdConfig, Objective, RDropConfig, View};
use crate::StudentError;

/// The objectives that a configuration can name. The ablations share everything else of a run, so that
/// a comparison has the same budget on both sides.
///
/// ```
/// use student_model::{Objective, ObjectiveConfig};
///
/// let config: ObjectiveConfig = serde_json::from_str(r#"{"r_drop": {"alpha": 2.0}}"#)?;
/// let objective = config.init()?;
/// assert_eq!((objective.name(), objective.passes().len()), ("r_drop", 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObjectiveConfig {
    /// [`CrossEntropy`].
    CrossEntropy,
    /// [`Crsd`]. With λ 0 it is two-view cross entropy; its `align` names the terms that may stand in
    /// InfoNCE's place.
    Crsd(CrsdLossConfig),
    /// [`LogitKd`](super::LogitKd).
    LogitKd(LogitKdConfig),
    /// [`RDrop`](super::RDrop).
    RDrop(RDropConfig),
}

impl Default for ObjectiveConfig {
    fn default() -> Self {
        Self::Crsd(CrsdLossConfig::default())
    }
}

impl ObjectiveConfig {
    /// The objective. Its heads are [`CrsdHeads`], empty ones but for CRSD.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] or [`StudentError::Loss`] names the field, its value and what is
    /// allowed.
    pub fn init(&self) -> Result<Arc<dyn Objective<Heads = CrsdHeads>>, StudentError> {
        Ok(match self {
            Self::CrossEntropy => Arc::new(CrossEntropy),
            Self::Crsd(config) => Arc::new(Crsd::new(config)?),
            Self::LogitKd(config) => Arc::new(config.init()?),
            Self::RDrop(config) => Arc::new(config.init()?),
        })
    }

    /// Checks every value.
    ///
    /// # Errors
    /// As [`init`](Self::init).
    pub fn validate(&self) -> Result<(), StudentError> {
        self.init().map(|_| ())
    }

    /// Whether every example must have a reason; no for a configuration that [`init`](Self::init)
    /// refuses.
    ///
    /// ```
    /// use student_model::ObjectiveConfig;
    /// assert!(ObjectiveConfig::default().needs_reasons());
    /// assert!(!ObjectiveConfig::CrossEntropy.needs_reasons());
    /// ```
    pub fn needs_reasons(&self) -> bool {
        self.init()
            .is_ok_and(|objective| objective.passes().contains(&View::Reasoned))
    }

    /// Whether every example must have the teacher's class distribution; no for a configuration that
    /// [`init`](Self::init) refuses.
    ///
    /// ```
    /// use student_model::{LogitKdConfig, ObjectiveConfig};
    /// assert!(ObjectiveConfig::LogitKd(LogitKdConfig::new()).needs_teacher_probabilities());
    /// assert!(!ObjectiveConfig::default().needs_teacher_probabilities());
    /// ```
    pub fn needs_teacher_probabilities(&self) -> bool {
        self.init()
            .is_ok_and(|objective| objective.needs_teacher_probabilities())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_objective_round_trips_under_its_name() {
        for config in [
            ObjectiveConfig::CrossEntropy,
            ObjectiveConfig::default(),
            ObjectiveConfig::LogitKd(LogitKdConfig::new()),
            ObjectiveConfig::RDrop(RDropConfig::new()),
        ] {
            let objective = config.init().unwrap();
            let json = serde_json::to_value(&config).unwrap();
            assert!(json.to_string().contains(objective.name()), "{json}");
            assert_eq!(objective.config(), json, "what a checkpoint compares");
            let back: ObjectiveConfig = serde_json::from_value(json).unwrap();
            assert_eq!(back, config);
        }
    }

    #[test]
    fn bad_values_are_named() {
        let refused = |json: &str| {
            let config: ObjectiveConfig = serde_json::from_str(json).unwrap();
            config.validate().unwrap_err().to_string()
        };
        assert_eq!(
            refused(r#"{"logit_kd": {"temperature": 0.0}}"#),
            "`logit_kd.temperature` is 0, allowed: above 0"
        );
        assert_eq!(
            refused(r#"{"r_drop": {"alpha": -1.0}}"#),
            "`r_drop.alpha` is -1, allowed: a finite number of at least 0"
        );
        assert_eq!(
            refused(r#"{"crsd": {"lambda": -1.0}}"#),
            "`lambda` is -1, allowed: a finite number, at least 0"
        );
    }
}
