//! What a student learns from.

use crate::StudentError;

/// One labelled pair, with the teacher's reasoning if CRSD is to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Examples that can be trained on. An example without a reason is refused where reasons are needed:
/// trained by cross entropy only, it would change the mixture of the two losses unseen.
pub(crate) fn check_examples(
    examples: &[StudentExample],
    classes: usize,
    needs_reasons: bool,
) -> Result<(), StudentError> {
    if examples.is_empty() {
        return Err(StudentError::NoExamples);
    }
    for (index, example) in examples.iter().enumerate() {
        if example.label >= classes {
            let reason = format!(
                "label {} is not below {classes}, the model's classes",
                example.label
            );
            return Err(example.refuse(index, reason));
        }
        if example.query.trim().is_empty() {
            return Err(example.refuse(index, "the query is empty".to_owned()));
        }
        if needs_reasons && example.stated_reason().is_none() {
            let reason = "no reason, which the objective crsd needs for every example";
            return Err(example.refuse(index, reason.to_owned()));
        }
    }
    Ok(())
}
