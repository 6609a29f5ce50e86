//! From annotated pairs to what a student learns from.

use std::path::Path;

use relevance_data::{AnnotatedPair, LabelSchema, read_annotations};
use student_model::StudentExample;
pub use student_model::StudentLabels;

use crate::error::DistillError;

/// The annotated pairs of a file as examples, as [`student_examples`] makes them.
///
/// ```
/// use relevance_distill::relevance_data::LabelSchema;
/// use relevance_distill::student_examples::{StudentLabels, read_student_examples};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("mine.jsonl");
/// let line = r#"{"query": {"text": "mug"}, "item": {"title": "Red mug"}, "label": "E", "rationale": "A mug."}"#;
/// std::fs::write(&path, line)?;
/// let examples = read_student_examples(&path, &LabelSchema::esci(), StudentLabels::Teacher)?;
/// assert_eq!((&*examples[0].item, examples[0].label), ("Red mug", 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`read_annotations`].
pub fn read_student_examples(
    annotations: impl AsRef<Path>,
    schema: &LabelSchema,
    labels: StudentLabels,
) -> Result<Vec<StudentExample>, DistillError> {
    let annotations = read_annotations(annotations, schema)?;
    Ok(student_examples(annotations, schema, labels))
}

/// The annotated pairs as examples. A pair without a label of the wanted kind is left out, and so is
/// one of whose reason nothing is left once the label's words are taken out: every objective shall
/// learn from the same examples, whether it reads reasons or not.
pub fn student_examples(
    annotations: Vec<AnnotatedPair>,
    schema: &LabelSchema,
    labels: StudentLabels,
) -> Vec<StudentExample> {
    let example = |row: &AnnotatedPair| StudentExample::from_annotated(row, schema, labels);
    let examples = annotations.iter().filter_map(example);
    examples
        .filter(|example| example.reason.is_some())
        .collect()
}
