//! A student's scores on labelled pairs.

use relevance_data::{LabelSchema, LabeledPair};
use relevance_eval::ndarray::Array2;
use relevance_eval::{Evaluation, EvaluationConfig, evaluate};
use student_model::{Student, predict};

use crate::error::DistillError;
use crate::query_rows::QueryRows;

/// Pairs scored at once.
const BATCH: usize = 32;

/// Scores a student on labelled pairs: what `evaluate` does, and a run with its students.
///
/// # Errors
///
/// The student cannot read the pairs, or its classes are not the schema's.
pub fn evaluate_student(
    student: &Student,
    pairs: &[LabeledPair],
    schema: &LabelSchema,
    config: &EvaluationConfig,
) -> Result<Evaluation, DistillError> {
    let labels = student.model().config().labels();
    if labels != schema.names() {
        return Err(DistillError::InvalidConfig {
            field: "student",
            value: format!("a model with the classes {labels:?}"),
            allowed: format!("the classes {:?}", schema.names()),
        });
    }
    let rows = QueryRows::new(pairs, schema);
    let probabilities = student_probabilities(student, pairs)?;
    Ok(evaluate(&rows.predictions(&probabilities)?, config)?)
}

/// A student's class distribution of each pair, one a row: `[pairs, classes]`.
///
/// # Errors
///
/// The student cannot read a pair.
pub fn student_probabilities(
    student: &Student,
    pairs: &[LabeledPair],
) -> Result<Array2<f64>, DistillError> {
    let texts: Vec<String> = pairs.iter().map(|pair| pair.pair.item.text()).collect();
    let rows: Vec<(&str, &str)> = pairs
        .iter()
        .zip(&texts)
        .map(|(pair, text)| (pair.pair.query.text.as_str(), text.as_str()))
        .collect();
    Ok(predict(student.model(), student.tokenizer(), &rows, BATCH)?)
}
