//! Two systems on the same queries.

use serde::{Deserialize, Serialize};

use crate::predictions::same_length;
use crate::{EvalError, EvaluationConfig, Interval, Predictions, compare_runs};

/// How much better system `b` is than system `a`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairedComparison {
    /// Number of distinct queries.
    pub num_queries: usize,
    /// One row a figure: `accuracy`, `macro_f1`, `micro_f1`, `weighted_f1`, `ndcg`, `ndcg@10`.
    pub metrics: Vec<MetricDifference>,
    /// How the resamples were made.
    pub bootstrap: EvaluationConfig,
}

/// One figure of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricDifference {
    /// Name of the figure.
    pub metric: String,
    /// Its value for system `a`.
    pub a: f64,
    /// Its value for system `b`.
    pub b: f64,
    /// `b − a`, with its interval over resampled queries.
    pub difference: Interval,
    /// Two-sided achieved significance level of "no difference":
    /// `2 · min(#{d* ≤ 0} + 1, #{d* ≥ 0} + 1) / (samples + 1)`, at most 1
    /// (Efron and Tibshirani 1993, section 15.4, with the add-one correction).
    pub p_value: f64,
}

impl PairedComparison {
    /// The row of a figure.
    pub fn metric(&self, name: &str) -> Option<&MetricDifference> {
        self.metrics.iter().find(|row| row.metric == name)
    }
}

/// Compares `b` with `a` on the same resamples of the queries: both must hold the same rows in the
/// same order. nDCG takes the expectation over ties.
///
/// # Errors
/// Those of [`crate::evaluate`] for either system, and rows, classes or gains that differ.
pub fn paired_bootstrap(
    a: &Predictions<'_>,
    b: &Predictions<'_>,
    config: &EvaluationConfig,
) -> Result<PairedComparison, EvalError> {
    compare_runs(&[*a], &[*b], None, config)
}

/// Compares as [`paired_bootstrap`] does, with trec_eval's order of ties.
///
/// # Errors
/// Those of [`paired_bootstrap`], differing lengths, and an item that occurs twice under a query.
pub fn paired_bootstrap_with_item_ids(
    a: &Predictions<'_>,
    b: &Predictions<'_>,
    item_ids: &[String],
    config: &EvaluationConfig,
) -> Result<PairedComparison, EvalError> {
    compare_runs(&[*a], &[*b], Some(item_ids), config)
}

pub(crate) fn significance(differences: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let at_most = differences.clone().filter(|&d| d <= 0.0).count();
    let at_least = differences.clone().filter(|&d| d >= 0.0).count();
    let tail = (at_most.min(at_least) + 1) as f64;
    (2.0 * tail / (differences.len() + 1) as f64).min(1.0)
}

pub(crate) fn same_rows(a: &Predictions<'_>, b: &Predictions<'_>) -> Result<(), EvalError> {
    same_length("system b", b.gold.len(), "system a", a.gold.len())?;
    same_length(
        "class_names of system b",
        b.class_names.len(),
        "class_names of system a",
        a.class_names.len(),
    )?;
    let differ = |row, what| Err(EvalError::SystemsDiffer { row, what });
    for row in 0..a.gold.len() {
        if a.query_ids[row] != b.query_ids[row] {
            return differ(row, "query_ids");
        }
        if a.gold[row] != b.gold[row] {
            return differ(row, "gold");
        }
    }
    let gains = a.gains.iter().zip(b.gains);
    match gains.enumerate().find(|(_, (of_a, of_b))| of_a != of_b) {
        None => Ok(()),
        Some((index, (_, &value))) => Err(EvalError::OutOfRange {
            what: "gains of system b",
            index,
            value,
            allowed: "the gain of system a",
        }),
    }
}
