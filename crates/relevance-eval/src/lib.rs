//! Evaluation of relevance classifiers and rankers: F1, calibration, nDCG, intervals by query, plots.
//!
//! It knows no model and no tensor: class distributions go in, figures come out, equal to
//! scikit-learn's and trec_eval's. A relevance classifier also ranks, by the gain that it expects of
//! a pair, so one table of predictions gives both kinds of figure. Rows of one query depend on each
//! other; every interval and every comparison therefore resamples **queries**, never rows.
//!
//! ```
//! use relevance_eval::{EvaluationConfig, Predictions, evaluate};
//!
//! // Three items each of two queries: which class each has, and what the system says.
//! let queries = ["usb cable", "usb cable", "usb cable", "tent", "tent", "tent"];
//! let gold = [0, 1, 2, 0, 2, 2];
//! let probabilities = [
//!     [0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7], // takes the second for an exact match
//!     [0.2, 0.3, 0.5], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8], // and ranks the only match second
//! ];
//! let classes = [("Exact", 1.0), ("Substitute", 0.1), ("Irrelevant", 0.0)]; // with their gains
//!
//! let predictions = Predictions::new(&queries, &gold, &probabilities, &classes)?;
//! let evaluation = evaluate(&predictions, &EvaluationConfig::default())?;
//! assert_eq!(evaluation.macro_f1.value, (0.5 + 0.0 + 6.0 / 7.0) / 3.0);
//! assert_eq!(evaluation.ndcg.value, (1.0 + 1.0 / 3_f64.log2()) / 2.0);
//! // Of two queries a resample may hold either alone, so the interval spans both.
//! assert_eq!(evaluation.ndcg.to_string(), "0.8155 [0.6309, 1.0000]");
//! # Ok::<(), relevance_eval::EvalError>(())
//! ```
//!
//! Probabilities may be an `ndarray` matrix, rows or a flat slice, in `f64` or `f32` ([`ToMatrix`]); ids
//! and names anything that is text (`&str`, `String`, `Arc<str>`).
//!
//! - Counts, F1 and κ: [`ConfusionMatrix`], with scikit-learn's [`ZeroDivision`] and [`ClassSet`].
//! - Scores: [`roc_auc`], [`average_precision`], [`Predictions::auc_one_vs_rest`],
//!   [`Predictions::log_loss`], [`Predictions::brier_score`].
//! - Calibration: [`reliability_bins`], [`expected_calibration_error`], [`TemperatureScaling`].
//! - Ranking: [`ndcg`] with trec_eval's order of ties, [`expected_ndcg`] without ids; TREC's files
//!   and measures: [`Qrels`], [`Run`], [`trec_eval`].
//! - Intervals: [`bootstrap_by_query`], [`paired_bootstrap`]; over several seeds [`evaluate_runs`],
//!   [`compare_runs`].
//! - Tests: [`paired_randomization`], [`paired_randomization_of_means`]; [`holm`] corrects several at
//!   once.
//! - Ratios: [`retention`] and [`gain_recovered`] relate a student to its teacher.
//! - Output: [`Evaluation`] (serde), [`markdown_table`], [`comparison_table`], and SVG in [`plot`].

mod agreement;
mod bootstrap;
mod calibration;
mod classification;
mod comparison;
mod config;
mod confusion;
mod error;
mod evaluation;
mod holm;
mod lengths;
mod matrix;
pub mod plot;
mod precision_recall;
mod predictions;
mod proper_scores;
mod randomization;
mod ranking;
mod retention;
mod roc_auc;
mod runs;
mod table;
mod temperature_scaling;
mod trec;

pub use agreement::KappaWeights;
pub use bootstrap::{Interval, bootstrap_by_query};
pub use calibration::{
    RELIABILITY_BINS, ReliabilityBin, expected_calibration_error, reliability_bins,
};
pub use classification::{Average, ClassMetrics, ClassSet, PrecisionRecallF1, ZeroDivision};
pub use comparison::{MetricDifference, PairedComparison, paired_bootstrap};
pub use config::{EvaluationConfig, MAX_BOOTSTRAP_SAMPLES};
pub use confusion::{ConfusionMatrix, MAX_CLASSES};
pub use error::EvalError;
pub use evaluation::{Evaluation, TieOrder, evaluate};
pub use holm::holm;
pub use matrix::{Number, Row, ToMatrix};
pub use ndarray;
pub use precision_recall::{PrecisionRecallPoint, average_precision, precision_recall_curve};
pub use predictions::{Predictions, SUM_TOLERANCE};
pub use randomization::{RandomizationTest, paired_randomization, paired_randomization_of_means};
pub use ranking::{ScoredItem, expected_ndcg, ndcg};
pub use retention::{gain_recovered, retention};
pub use roc_auc::{AucAverage, roc_auc};
pub use runs::{RunsEvaluation, RunsMetric, compare_runs, evaluate_runs};
pub use table::{comparison_table, markdown_table};
pub use temperature_scaling::TemperatureScaling;
pub use trec::{Gain, Qrels, Run, TrecConfig, TrecMeasure, TrecScores, trec_eval};

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
