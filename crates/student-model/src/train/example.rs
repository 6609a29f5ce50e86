//! What a student learns from.

use super::StudentTrainConfig;
use crate::StudentError;

/// One labelled pair, with the teacher's reasoning if CRSD is to use it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StudentExample {
    /// The query's text.
    pub query: String,
    /// The item's text.
    pub item: String,
    /// The class, an index into the model's labels.
    pub label: usize,
    /// Why the label holds, without the label itself. CRSD needs one for every example; cross entropy
    /// does not read it.
    pub reason: Option<String>,
    /// The teacher's class distribution, in the order of the model's labels. Logit distillation needs
    /// one for every example, and so does CRSD that weighs by `teacher_confidence`; the others do not
    /// read it.
    pub teacher_probabilities: Option<Vec<f32>>,
    /// How sure the teacher is of its reason and label, in [0, 1]: the share of votes of an
    /// annotation, for example. Read with
    /// [`weigh_by_confidence`](super::StudentTrainConfig::weigh_by_confidence), which needs one for
    /// every example.
    pub teacher_confidence: Option<f32>,
    /// Identifies the query, for masking negatives; its normalised text or its id.
    pub query_key: String,
}

impl StudentExample {
    /// The reason, if it says anything.
    pub(crate) fn stated_reason(&self) -> Option<&str> {
        let reason = self.reason.as_deref();
        reason.filter(|reason| !reason.trim().is_empty())
    }

    fn refuse(&self, index: usize, reason: String) -> StudentError {
        StudentError::Example {
            index,
            query: self.query.clone(),
            reason,
        }
    }
}

/// How far a teacher's distribution may sum from 1.
const SUM_TOLERANCE: f32 = 1e-3;

/// Examples that `objective` can be trained on. An example without what the objective reads is
/// refused: trained by another loss, it would change the mixture unseen.
pub(crate) fn check_examples(
    examples: &[StudentExample],
    classes: usize,
    config: &StudentTrainConfig,
) -> Result<(), StudentError> {
    if examples.is_empty() {
        return Err(StudentError::NoExamples);
    }
    for (index, example) in examples.iter().enumerate() {
        if let Some(reason) = fault(example, classes, config) {
            return Err(example.refuse(index, reason));
        }
    }
    Ok(())
}

fn fault(example: &StudentExample, classes: usize, config: &StudentTrainConfig) -> Option<String> {
    let objective = &config.objective;
    let name = objective.name();
    if example.label >= classes {
        let label = example.label;
        return Some(format!(
            "label {label} is not below {classes}, the model's classes"
        ));
    }
    if example.query.trim().is_empty() {
        return Some("the query is empty".to_owned());
    }
    if objective.needs_reasons() && example.stated_reason().is_none() {
        return Some(format!(
            "no reason, which the objective {name} needs for every example"
        ));
    }
    if config.weigh_by_confidence {
        match example.teacher_confidence {
            Some(confidence) if (0.0..=1.0).contains(&confidence) => {}
            Some(confidence) => {
                return Some(format!(
                    "the teacher's confidence is {confidence}, not 0 to 1"
                ));
            }
            None => {
                return Some(
                    "no teacher's confidence, which weigh_by_confidence needs for every example"
                        .to_owned(),
                );
            }
        }
    }
    if objective.needs_teacher_probabilities() {
        return fault_of_distribution(example, classes, name);
    }
    None
}

fn fault_of_distribution(
    example: &StudentExample,
    classes: usize,
    name: &'static str,
) -> Option<String> {
    match &example.teacher_probabilities {
        None => Some(format!(
            "no teacher's distribution, which the objective {name} needs for every example"
        )),
        Some(p) if p.len() != classes => Some(format!(
            "the teacher's distribution has {} classes, the model {classes}",
            p.len()
        )),
        Some(p) => {
            let sum: f32 = p.iter().sum();
            let valid = p.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= SUM_TOLERANCE;
            (!valid).then(|| {
                format!("the teacher's distribution {p:?} is none: not negative, with the sum 1")
            })
        }
    }
}
