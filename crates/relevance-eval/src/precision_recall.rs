//! Precision against recall over all thresholds of a score.

use crate::EvalError;
use crate::roc_auc::check_scores;

/// One threshold of a [`precision_recall_curve`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Rows with at least this score are predicted positive.
    pub threshold: f64,
    /// Share of the predicted rows that are positive.
    pub precision: f64,
    /// Share of the positive rows that are predicted.
    pub recall: f64,
}

/// Precision and recall at every distinct score, highest first (scikit-learn's
/// `precision_recall_curve` from its end, without the point at precision 1 that it adds).
///
/// ```
/// use relevance_eval::precision_recall_curve;
///
/// let curve = precision_recall_curve(&[true, false, true], &[0.9, 0.8, 0.3])?;
/// assert_eq!((curve[0].threshold, curve[0].precision, curve[0].recall), (0.9, 1.0, 0.5));
/// assert_eq!((curve[1].precision, curve[1].recall), (0.5, 0.5));
/// assert_eq!((curve[2].precision, curve[2].recall), (2.0 / 3.0, 1.0));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Differing lengths, a NaN score, no positive row: recall is then undefined.
pub fn precision_recall_curve(
    positive: &[bool],
    scores: &[f64],
) -> Result<Vec<PrecisionRecallPoint>, EvalError> {
    check_scores(positive, scores)?;
    let total = positive.iter().filter(|positive| **positive).count();
    if total == 0 {
        return Err(EvalError::Undefined {
            figure: "recall",
            reason: "it needs a positive row",
        });
    }
    let mut rows: Vec<(f64, bool)> = scores
        .iter()
        .map(|score| score + 0.0)
        .zip(positive.iter().copied())
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut predicted, mut hits) = (0_usize, 0_usize);
    let points = rows.chunk_by(|a, b| a.0 == b.0).map(|tie| {
        predicted += tie.len();
        hits += tie.iter().filter(|(_, positive)| *positive).count();
        PrecisionRecallPoint {
            threshold: tie[0].0,
            precision: hits as f64 / predicted as f64,
            recall: hits as f64 / total as f64,
        }
    });
    Ok(points.collect())
}

/// Average precision of a score over all rows, `Σ_n (R_n − R_{n−1}) P_n` over its distinct values: the
/// area under the steps of the curve (scikit-learn's `average_precision_score`). Of ranked lists, query
/// by query, it is [`TrecMeasure::Map`](crate::TrecMeasure::Map).
///
/// ```
/// use relevance_eval::average_precision;
///
/// // Half of the recall at precision 1, the other half at 2/3.
/// let ap = average_precision(&[true, false, true], &[0.9, 0.8, 0.3])?;
/// assert!((ap - (0.5 * 1.0 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Those of [`precision_recall_curve`].
pub fn average_precision(positive: &[bool], scores: &[f64]) -> Result<f64, EvalError> {
    let curve = precision_recall_curve(positive, scores)?;
    let mut before = 0.0;
    let steps = curve.iter().map(|point| {
        let step = (point.recall - before) * point.precision;
        before = point.recall;
        step
    });
    Ok(steps.sum())
}
