//! What is minimised.

use crsd_loss::{AlignWeighting, CrsdLossConfig};
use serde::{Deserialize, Serialize};

use crate::StudentError;

/// What is minimised. The ablations share everything else of a run, so that a comparison has the
/// same budget on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Objective {
    /// Cross entropy of the standard view alone; reasons are not read.
    CrossEntropy,
    /// `L_sce + L_tce + λ L_align` on the standard and the reasoned view of each pair, as drawn in
    /// Figure 3 of arXiv 2510.11056. With λ 0 it is two-view cross entropy; its `align` names the
    /// terms that may stand in InfoNCE's place.
    Crsd(CrsdLossConfig),
    /// Distillation of the teacher's class distribution.
    LogitKd(LogitKdConfig),
    /// Two passes with other dropout, drawn together; reasons are not read.
    RDrop(RDropConfig),
}

impl Default for Objective {
    fn default() -> Self {
        Self::Crsd(CrsdLossConfig::default())
    }
}

/// `w T² KL(p_T ‖ p_S) + (1 − w) CE` on the standard view (Hinton et al., arXiv 1503.02531).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
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

/// `(CE_1 + CE_2) / 2 + α (KL(p_1 ‖ p_2) + KL(p_2 ‖ p_1)) / 2`: two passes of the standard view that
/// differ in dropout (R-Drop, arXiv 2106.14448, equations 1 to 3, halved so that α 0 is cross
/// entropy).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RDropConfig {
    /// α, at least 0. Default 1.
    pub alpha: f64,
}

impl Default for RDropConfig {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Objective {
    /// Whether every example must have a reason.
    pub fn needs_reasons(&self) -> bool {
        matches!(self, Self::Crsd(_))
    }

    /// Whether every example must have the teacher's class distribution.
    pub fn needs_teacher_probabilities(&self) -> bool {
        match self {
            Self::LogitKd(_) => true,
            Self::Crsd(loss) => loss.align_weighting == AlignWeighting::TeacherConfidence,
            _ => false,
        }
    }

    /// The name that stands in configurations and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::Crsd(_) => "crsd",
            Self::LogitKd(_) => "logit_kd",
            Self::RDrop(_) => "r_drop",
        }
    }

    pub(crate) fn validate(&self) -> Result<(), StudentError> {
        match self {
            Self::CrossEntropy => Ok(()),
            Self::Crsd(loss) => Ok(loss.validate()?),
            Self::LogitKd(kd) => {
                if !(kd.temperature.is_finite() && kd.temperature > 0.0) {
                    let key = "logit_kd.temperature";
                    return Err(StudentError::invalid(key, kd.temperature, "above 0"));
                }
                if !(0.0..=1.0).contains(&kd.weight) {
                    return Err(StudentError::invalid(
                        "logit_kd.weight",
                        kd.weight,
                        "0 to 1",
                    ));
                }
                Ok(())
            }
            Self::RDrop(r_drop) if r_drop.alpha.is_finite() && r_drop.alpha >= 0.0 => Ok(()),
            Self::RDrop(r_drop) => Err(StudentError::invalid(
                "r_drop.alpha",
                r_drop.alpha,
                "a finite number of at least 0",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_objective_round_trips_under_its_name() {
        for objective in [
            Objective::CrossEntropy,
            Objective::default(),
            Objective::LogitKd(LogitKdConfig::default()),
            Objective::RDrop(RDropConfig::default()),
        ] {
            objective.validate().unwrap();
            let json = serde_json::to_string(&objective).unwrap();
            assert!(json.contains(objective.name()), "{json}");
            let back: Objective = serde_json::from_str(&json).unwrap();
            assert_eq!(back, objective);
        }
    }

    #[test]
    fn bad_values_are_named() {
        let refused = |json: &str| {
            let objective: Objective = serde_json::from_str(json).unwrap();
            objective.validate().unwrap_err().to_string()
        };
        assert_eq!(
            refused(r#"{"logit_kd": {"temperature": 0.0}}"#),
            "`logit_kd.temperature` is 0, allowed: above 0"
        );
        assert_eq!(
            refused(r#"{"r_drop": {"alpha": -1.0}}"#),
            "`r_drop.alpha` is -1, allowed: a finite number of at least 0"
        );
    }
}
