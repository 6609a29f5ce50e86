//! Whether examples have what a run reads of them.

use super::{NegativePolicy, Objective, StudentExample, StudentTrainConfig, View};
use crate::StudentError;

/// How far a teacher's distribution may sum from 1.
const SUM_TOLERANCE: f32 = 1e-3;

/// What a run reads of its examples: what the objective asks for, and the configuration.
#[derive(Debug, Clone)]
pub(super) struct Reads {
    /// The objective's name, for messages.
    pub(super) objective: String,
    /// The views that a step passes through the model, in order.
    pub(super) passes: Vec<View>,
    pub(super) reasons: bool,
    pub(super) teacher_probabilities: bool,
    pub(super) confidence: bool,
    pub(super) negatives: NegativePolicy,
}

impl Reads {
    /// # Errors
    /// [`StudentError::InvalidConfig`] for an objective without a pass, and for weights that it would
    /// not read.
    pub(super) fn new(
        objective: &(impl Objective + ?Sized),
        config: &StudentTrainConfig,
    ) -> Result<Self, StudentError> {
        let passes = objective.passes();
        if passes.is_empty() {
            let allowed = "at least one view";
            return Err(StudentError::invalid("objective.passes", "empty", allowed));
        }
        if config.weigh_by_confidence && !objective.reads_align_weights() {
            let allowed = "false without an align term (objective crsd)";
            return Err(StudentError::invalid("weigh_by_confidence", true, allowed));
        }
        Ok(Self {
            objective: objective.name().to_owned(),
            reasons: passes.contains(&View::Reasoned),
            passes,
            teacher_probabilities: objective.needs_teacher_probabilities(),
            confidence: config.weigh_by_confidence,
            negatives: config.negatives,
        })
    }

    /// Refuses examples that lack what is read: trained by another loss, such an example would change
    /// the mixture unseen.
    pub(super) fn check(
        &self,
        examples: &[StudentExample],
        classes: usize,
    ) -> Result<(), StudentError> {
        if examples.is_empty() {
            return Err(StudentError::NoExamples);
        }
        for (index, example) in examples.iter().enumerate() {
            if let Some(reason) = self.fault(example, classes) {
                let query = example.query.clone();
                return Err(StudentError::Example {
                    index,
                    query,
                    reason,
                });
            }
        }
        Ok(())
    }

    fn fault(&self, example: &StudentExample, classes: usize) -> Option<String> {
        let lacks =
            |what: &str, who: &str| Some(format!("no {what}, which {who} needs for every example"));
        let objective = format!("the objective {}", self.objective);
        if example.label >= classes {
            let label = example.label;
            return Some(format!(
                "label {label} is not below {classes}, the model's classes"
            ));
        }
        if example.query.trim().is_empty() {
            return Some("the query is empty".to_owned());
        }
        if self.reasons && example.reason.is_none() {
            return lacks("reason", &objective);
        }
        if self.confidence {
            match example.teacher_confidence {
                Some(confidence) if (0.0..=1.0).contains(&confidence) => {}
                Some(confidence) => {
                    return Some(format!(
                        "the teacher's confidence is {confidence}, not 0 to 1"
                    ));
                }
                None => return lacks("teacher's confidence", "weigh_by_confidence"),
            }
        }
        if !self.teacher_probabilities {
            return None;
        }
        match &example.teacher_probabilities {
            None => lacks("teacher's distribution", &objective),
            Some(p) => fault_of_distribution(p, classes),
        }
    }
}

fn fault_of_distribution(p: &[f32], classes: usize) -> Option<String> {
    if p.len() != classes {
        return Some(format!(
            "the teacher's distribution has {} classes, the model {classes}",
            p.len()
        ));
    }
    let sum: f32 = p.iter().sum();
    let valid = p.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= SUM_TOLERANCE;
    (!valid)
        .then(|| format!("the teacher's distribution {p:?} is none: not negative, with the sum 1"))
}
