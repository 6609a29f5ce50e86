//! From annotated or labelled pairs to what a student learns from.

use relevance_data::{AnnotatedPair, LabelSchema, normalize_query};
use serde::{Deserialize, Serialize};
use student_model::StudentExample;

/// Which labels the students learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StudentLabels {
    /// The gold label of each pair; the teacher supplies the reason.
    Gold,
    /// The teacher's label, as in the paper.
    Teacher,
}

/// The annotated pairs as examples. A pair without a label of the wanted kind is left out, and so is
/// one of whose reason nothing is left once the label's words are taken out: every objective shall
/// learn from the same examples, whether it reads reasons or not.
pub fn student_examples(
    annotations: Vec<AnnotatedPair>,
    schema: &LabelSchema,
    labels: StudentLabels,
) -> Vec<StudentExample> {
    let example = |row: AnnotatedPair| {
        let reason = row.rationale.without_label_words(schema);
        let label = match labels {
            StudentLabels::Gold => row.gold?,
            StudentLabels::Teacher => row.label,
        };
        (!reason.is_empty()).then(|| StudentExample {
            query_key: normalize_query(&row.pair.query.text),
            item: row.pair.item.text(),
            query: row.pair.query.text,
            label: label.index(),
            reason: Some(reason.as_str().to_owned()),
            teacher_probabilities: row.probabilities,
            teacher_confidence: Some(row.confidence),
        })
    };
    annotations.into_iter().filter_map(example).collect()
}
