//! Two systems on the same queries.

use std::slice;

use serde::{Deserialize, Serialize};

use crate::lengths::same_length;
use crate::{EvalError, EvaluationConfig, Interval, Predictions, compare_runs};

/// How much better system `b` is than system `a`.
#[non_exhaustive]
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
#[non_exhaustive]
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
    /// The row of a figure; none if there is none of this name.
    ///
    /// ```
    /// # use relevance_eval::{EvaluationConfig, Predictions, paired_bootstrap};
    /// # let one = Predictions::new(&["q"], &[0], &[[1.0]], &[("only", 1.0)])?;
    /// let comparison = paired_bootstrap(&one, &one, &EvaluationConfig::default())?;
    /// assert_eq!(comparison.metric("ndcg@10").map(|row| row.difference.value), Some(0.0));
    /// assert_eq!(comparison.metric("ndcg@11"), None);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn metric(&self, name: &str) -> Option<&MetricDifference> {
        self.metrics.iter().find(|row| row.metric == name)
    }
}

/// Compares `b` with `a` on the same resamples of the queries: both must hold the same rows in the
/// same order. nDCG orders equal scores by item id if both have item ids
/// ([`Predictions::with_item_ids`]), and takes the expectation over their orders if neither has.
///
/// ```
/// use relevance_eval::{EvaluationConfig, Predictions, paired_bootstrap};
///
/// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
/// let (queries, gold) = (["a", "b", "c", "d"], [0, 0, 1, 1]);
/// let (sure, guess) = ([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]], [[0.6, 0.4]; 4]);
/// let a = Predictions::new(&queries, &gold, &guess, &classes)?;
/// let b = Predictions::new(&queries, &gold, &sure, &classes)?;
/// let comparison = paired_bootstrap(&a, &b, &EvaluationConfig::default())?;
/// let accuracy = comparison.metric("accuracy").expect("one of the figures");
/// assert_eq!((accuracy.a, accuracy.b, accuracy.difference.value), (0.5, 1.0, 0.5));
/// // With four queries, one resample in 16 misses both that `a` has wrong.
/// assert!(accuracy.p_value > 0.05);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Those of [`crate::evaluate`] for either system, and [`EvalError::SystemsDiffer`] for rows, classes or
/// gains that differ.
pub fn paired_bootstrap(
    a: &Predictions<'_>,
    b: &Predictions<'_>,
    config: &EvaluationConfig,
) -> Result<PairedComparison, EvalError> {
    compare_runs(slice::from_ref(a), slice::from_ref(b), config)
}

pub(crate) fn significance(differences: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let at_most = differences.clone().filter(|&d| d <= 0.0).count();
    let at_least = differences.clone().filter(|&d| d >= 0.0).count();
    let tail = (at_most.min(at_least) + 1) as f64;
    (2.0 * tail / (differences.len() + 1) as f64).min(1.0)
}

/// Checks that two systems were run on the same rows, in the same order.
pub(crate) fn same_rows(a: &Predictions<'_>, b: &Predictions<'_>) -> Result<(), EvalError> {
    same_length("system b", b.num_pairs(), "system a", a.num_pairs())?;
    let (of_a, of_b) = (a.classes(), b.classes());
    same_length("classes of system b", of_b, "classes of system a", of_a)?;
    let item_ids = match (&a.item_ids, &b.item_ids) {
        (None, None) => None,
        (Some(a), Some(b)) => first_difference(a, b),
        // Only one has them.
        _ => Some(0),
    };
    let names = first_difference(&a.class_names, &b.class_names);
    let columns = [
        ("query_ids", first_difference(&a.query_ids, &b.query_ids)),
        ("item_ids", item_ids),
        ("gold", first_difference(a.gold, b.gold)),
        ("classes", names.or(first_difference(&a.gains, &b.gains))),
    ];
    for (what, difference) in columns {
        if let Some(index) = difference {
            return Err(EvalError::SystemsDiffer { what, index });
        }
    }
    Ok(())
}

fn first_difference<T: PartialEq>(a: &[T], b: &[T]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a != b)
}
