//! Class distributions of many pairs.

use std::time::Instant;

use burn::module::Module;
use ndarray::Array2;
use pair_tokenizer::{Encoding, PairTokenizer};
use vector_math::softmax_in_place;

use crate::inference::{Inference, Wanted};
use crate::student::check_fit;
use crate::{BertForSequenceClassification, StudentError};

/// The class distribution of each (query, item) pair, in the order given; each row sums to 1.
///
/// For evaluation, during training too: dropout and gradients are off whatever device the model is
/// on. Batches hold up to `batch_size` pairs of like length. On `Device::flex()` the pairs go through the
/// kernels of [`Ranker`](crate::Ranker), for which each call copies the weights once.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/tiny_student.rs"));
/// # fn main() -> Result<(), student_model::StudentError> {
/// # let student = tiny_student();
/// let (model, tokenizer) = (student.model(), student.tokenizer());
/// let pairs = [("red mouse", "wireless mouse, red"), ("red mouse", "usb cable")];
/// let probabilities = student_model::predict(model, tokenizer, &pairs, /* batch_size */ 8)?;
/// assert_eq!(probabilities.dim(), (2, 3)); // pairs, classes
/// assert!((probabilities.row(0).sum() - 1.0).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
///
/// # Shapes
/// `[pairs, K]`; no pairs, no rows.
///
/// # Errors
/// [`StudentError::InvalidConfig`] if the tokenizer does not fit the model or `batch_size` is 0,
/// [`StudentError::NonFinite`] if the model's output is not a number.
pub fn predict(
    model: &BertForSequenceClassification,
    tokenizer: &PairTokenizer,
    pairs: &[(&str, &str)],
    batch_size: usize,
) -> Result<Array2<f64>, StudentError> {
    check_fit(model, tokenizer)?;
    if batch_size == 0 {
        return Err(StudentError::invalid("batch_size", 0, "at least 1"));
    }
    let model = model.valid();
    let encodings = tokenizer.encode_pairs(pairs)?;
    let limit = Limit {
        rows: batch_size,
        ..Limit::none()
    };
    let inference = Inference::new(&model);
    let logits = in_batches(&encodings, limit, model.config().num_labels(), |rows| {
        inference.run(&model, Wanted::Logits, rows, tokenizer.pad_id())
    })?;
    distributions(&logits, 1.0)
}

/// How large a batch may be, and until when batches are begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) rows: usize,
    /// Padding included; a batch holds at least one row whatever its length.
    pub(crate) tokens: usize,
    pub(crate) deadline: Option<Instant>,
}

impl Limit {
    pub(crate) fn none() -> Self {
        Self {
            rows: usize::MAX,
            tokens: usize::MAX,
            deadline: None,
        }
    }
}

/// What `run` gives for each encoding, in their order: one row of `width` numbers each.
pub(crate) fn in_batches(
    encodings: &[Encoding],
    limit: Limit,
    width: usize,
    run: impl Fn(&[&Encoding]) -> Result<Array2<f32>, StudentError>,
) -> Result<Array2<f32>, StudentError> {
    let mut found = Array2::zeros((encodings.len(), width));
    let mut done = 0;
    for batch in by_length(encodings, limit) {
        if limit
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            let total = encodings.len();
            return Err(StudentError::DeadlineExceeded { done, total });
        }
        let rows: Vec<&Encoding> = batch.iter().map(|&i| &encodings[i]).collect();
        let output = run(&rows)?;
        done += batch.len();
        for (&index, row) in batch.iter().zip(output.rows()) {
            found.row_mut(index).assign(&row);
        }
    }
    check_finite(found)
}

/// `softmax(logits / T)` of each row, in f64, so that a distribution sums to 1 and the score is not
/// rounded to f32.
pub(crate) fn distributions(
    logits: &Array2<f32>,
    temperature: f64,
) -> Result<Array2<f64>, StudentError> {
    let mut probabilities = logits.mapv(f64::from);
    for row in probabilities.rows_mut() {
        let row = row.into_slice();
        softmax_in_place(
            row.expect("a fresh matrix has its rows in one piece"),
            temperature,
        );
    }
    check_finite(probabilities)
}

/// The matrix, unless something in it is not a number: the error names the first such row.
fn check_finite<T: Copy + Into<f64>>(matrix: Array2<T>) -> Result<Array2<T>, StudentError> {
    let broken = |row: ndarray::ArrayView1<'_, T>| row.iter().any(|&x| !x.into().is_finite());
    match matrix.rows().into_iter().position(broken) {
        Some(index) => Err(StudentError::NonFinite { index }),
        None => Ok(matrix),
    }
}

/// Batches of positions, longest first, each of like lengths so that little is padded.
fn by_length(encodings: &[Encoding], limit: Limit) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..encodings.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(encodings[i].len()));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match batches.last_mut() {
            Some(batch)
                if batch.len() < limit.rows
                    && (batch.len() + 1).saturating_mul(encodings[batch[0]].len())
                        <= limit.tokens =>
            {
                batch.push(i);
            }
            _ => batches.push(vec![i]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_everything_once_within_both_limits() {
        let length = |n: usize| Encoding {
            ids: vec![0; n],
            type_ids: vec![0; n],
        };
        let encodings: Vec<Encoding> = [3, 9, 4, 9, 1, 30].map(length).into();
        let limit = Limit {
            rows: 3,
            tokens: 20,
            deadline: None,
        };
        let batches = by_length(&encodings, limit);
        assert_eq!(batches, [vec![5], vec![1, 3], vec![2, 0, 4]]);
        assert!(by_length(&[], limit).is_empty());
    }

    #[test]
    fn distributions_are_those_of_the_logits_over_the_temperature() {
        let logits = ndarray::arr2(&[[0.0f32, 1.0], [1e9, -1e9]]);
        let found = distributions(&logits, 1.0).unwrap();
        let expected = 1.0 / (1.0 + 1f64.exp());
        assert!((found[[0, 0]] - expected).abs() < 1e-15);
        assert_eq!(found.row(1).to_vec(), [1.0, 0.0]);
        let flat = distributions(&logits, 2.0).unwrap();
        assert!((flat[[0, 0]] - 1.0 / (1.0 + 0.5f64.exp())).abs() < 1e-15);
        let broken = ndarray::arr2(&[[0.0f32, 1.0], [f32::NAN, 0.0]]);
        let error = distributions(&broken, 1.0).unwrap_err();
        assert!(matches!(error, StudentError::NonFinite { index: 1 }));
    }
}
