//! Class distributions of many pairs.

use std::time::Instant;

use burn::module::Module;
use pair_tokenizer::{Encoding, PairTokenizer};

use crate::inference::{Inference, Wanted};
use crate::student::check_fit;
use crate::{BertForSequenceClassification, StudentError};

/// The class distribution of each (query, item) pair, in the order given; each sums to 1.
///
/// For evaluation, during training too: dropout and gradients are off whatever device the model is
/// on. Batches hold up to `batch_size` pairs of like length. On `Device::flex()` the pairs go through the
/// kernels of [`Ranker`](crate::Ranker), for which each call copies the weights once.
///
/// # Errors
/// [`StudentError::InvalidConfig`] if the tokenizer does not fit the model or `batch_size` is 0,
/// [`StudentError::NonFinite`] if the model's output is not a number.
pub fn predict(
    model: &BertForSequenceClassification,
    tokenizer: &PairTokenizer,
    pairs: &[(&str, &str)],
    batch_size: usize,
) -> Result<Vec<Vec<f64>>, StudentError> {
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
    let logits = in_batches(&encodings, limit, |rows| {
        inference.run(&model, Wanted::Logits, rows, tokenizer.pad_id())
    })?;
    distributions(logits, 1.0)
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

/// What `run` gives for each encoding, in their order: one row each.
pub(crate) fn in_batches(
    encodings: &[Encoding],
    limit: Limit,
    run: impl Fn(&[&Encoding]) -> Result<Vec<Vec<f64>>, StudentError>,
) -> Result<Vec<Vec<f64>>, StudentError> {
    let mut found = vec![Vec::new(); encodings.len()];
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
        for (&index, row) in batch.iter().zip(output) {
            found[index] = row;
        }
    }
    match found
        .iter()
        .position(|row| row.iter().any(|v| !v.is_finite()))
    {
        Some(index) => Err(StudentError::NonFinite { index }),
        None => Ok(found),
    }
}

/// `softmax(logits / T)` of each row.
pub(crate) fn distributions(
    logits: Vec<Vec<f64>>,
    temperature: f64,
) -> Result<Vec<Vec<f64>>, StudentError> {
    let scaled = |row: Vec<f64>| row.into_iter().map(|l| l / temperature).collect::<Vec<_>>();
    let rows = logits.into_iter().map(|row| softmax(&scaled(row)));
    let rows: Vec<Vec<f64>> = rows.collect();
    match rows
        .iter()
        .position(|row| row.iter().any(|p| !p.is_finite()))
    {
        Some(index) => Err(StudentError::NonFinite { index }),
        None => Ok(rows),
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

/// In f64, so that a distribution sums to 1 and the score is not rounded to f32.
fn softmax(logits: &[f64]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|l| (l - max).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
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
    fn softmax_sums_to_one_and_keeps_nan() {
        let p = softmax(&[1e9, 0.0, -1e9]);
        assert_eq!(p, [1.0, 0.0, 0.0]);
        assert!(softmax(&[f64::NAN, 0.0])[0].is_nan());
    }
}
