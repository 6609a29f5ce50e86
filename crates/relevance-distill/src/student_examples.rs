//! From annotated pairs to what a student learns from.

use relevance_data::{AnnotatedPair, LabelSchema};
use student_model::StudentExample;
pub use student_model::StudentLabels;

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
