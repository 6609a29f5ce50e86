//! Every figure of one system, with intervals over queries.

use serde::{Deserialize, Serialize};

use crate::predictions::QueryCounts;
use crate::{
    AucAverage, Average, ClassMetrics, ClassSet, ConfusionMatrix, EvalError, Interval,
    KappaWeights, Predictions, RELIABILITY_BINS, ReliabilityBin, ZeroDivision, bootstrap_by_query,
    expected_calibration_error, reliability_bins,
};

/// How the bootstrap intervals are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Number of resamples of the queries, at least 1.
    pub bootstrap_samples: usize,
    /// Coverage of the interval, above 0 and below 1.
    pub confidence: f64,
    /// Seed of the resampling.
    pub seed: u64,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            bootstrap_samples: 1000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

impl EvaluationConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// No samples, a confidence that is not strictly between 0 and 1.
    pub fn validate(&self) -> Result<(), EvalError> {
        if self.bootstrap_samples == 0 {
            return Err(EvalError::InvalidConfig {
                field: "bootstrap_samples",
                value: "0".into(),
                allowed: "at least 1",
            });
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(EvalError::InvalidConfig {
                field: "confidence",
                value: self.confidence.to_string(),
                allowed: "above 0 and below 1",
            });
        }
        Ok(())
    }
}

/// How items of equal score were ordered for nDCG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TieOrder {
    /// The expectation over random orders ([`crate::expected_ndcg`]); no ids were given.
    #[default]
    Expected,
    /// By descending item id, as trec_eval does ([`crate::ndcg`]).
    ItemId,
}

/// The figures of one system on one set of judged pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of judged pairs.
    pub num_pairs: usize,
    /// Number of distinct queries.
    pub num_queries: usize,
    /// Share of pairs whose most probable class is the gold one.
    pub accuracy: Interval,
    /// F1 averaged over the classes that occur ([`ClassSet::Present`], zero division 0).
    pub macro_f1: Interval,
    /// F1 of the summed counts; equal to the accuracy.
    pub micro_f1: Interval,
    /// F1 averaged by support.
    pub weighted_f1: Interval,
    /// Mean over queries of the nDCG of the whole list.
    pub ndcg: Interval,
    /// Mean over queries of the nDCG of the first ten.
    #[serde(rename = "ndcg@10")]
    pub ndcg_at_10: Interval,
    /// Expected calibration error over [`Evaluation::reliability`].
    pub ece: f64,
    /// Mean area under the ROC curve of each class against the rest
    /// ([`Predictions::auc_one_vs_rest`]); absent where a class has no gold row.
    #[serde(default)]
    pub auc: Option<f64>,
    /// Cohen's κ with quadratic weights; absent where chance agrees fully.
    #[serde(default)]
    pub quadratic_kappa: Option<f64>,
    /// Mean negative log-likelihood of the gold class, nats ([`Predictions::log_loss`]).
    #[serde(default)]
    pub log_loss: Option<f64>,
    /// [`Predictions::brier_score`].
    #[serde(default)]
    pub brier: Option<f64>,
    /// One row a class, in schema order.
    pub per_class: Vec<ClassMetrics>,
    /// `confusion_matrix[gold][predicted]`.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// [`RELIABILITY_BINS`] bins of the confidence in the predicted class.
    pub reliability: Vec<ReliabilityBin>,
    /// How equal scores were ordered.
    pub ties: TieOrder,
    /// How the intervals were made.
    pub bootstrap: EvaluationConfig,
}

/// Evaluates a system; nDCG takes the expectation over ties ([`TieOrder::Expected`]).
///
/// The predicted class is the most probable one, the ranking score the expected gain
/// `Σ_k p_k · gain_k`. The order of the rows does not matter.
///
/// # Errors
/// Those of [`Predictions::validate`] and [`EvaluationConfig::validate`].
pub fn evaluate(
    predictions: &Predictions<'_>,
    config: &EvaluationConfig,
) -> Result<Evaluation, EvalError> {
    evaluate_ranked(predictions, None, config)
}

/// Evaluates a system as [`evaluate`] does, with trec_eval's order of ties ([`TieOrder::ItemId`]).
///
/// # Errors
/// Those of [`evaluate`], differing lengths, and an item that occurs twice under one query.
pub fn evaluate_with_item_ids(
    predictions: &Predictions<'_>,
    item_ids: &[String],
    config: &EvaluationConfig,
) -> Result<Evaluation, EvalError> {
    evaluate_ranked(predictions, Some(item_ids), config)
}

fn evaluate_ranked(
    predictions: &Predictions<'_>,
    item_ids: Option<&[String]>,
    config: &EvaluationConfig,
) -> Result<Evaluation, EvalError> {
    config.validate()?;
    predictions.validate()?;
    let classes = predictions.class_names.len();
    let queries = predictions.by_query(item_ids)?;
    let matrix = pooled(&queries, &vec![1; queries.len()], classes);
    let [accuracy, macro_f1, micro_f1, weighted_f1, ndcg, ndcg_at_10] =
        bootstrap_by_query(queries.len(), config, |draws| {
            headline(&queries, draws, classes)
        })?;
    let reliability = reliability(predictions)?;
    Ok(Evaluation {
        num_pairs: predictions.gold.len(),
        num_queries: queries.len(),
        accuracy,
        macro_f1,
        micro_f1,
        weighted_f1,
        ndcg,
        ndcg_at_10,
        ece: expected_calibration_error(&reliability),
        auc: predictions.auc_one_vs_rest(AucAverage::Macro).ok(),
        quadratic_kappa: Some(matrix.kappa(KappaWeights::Quadratic)).filter(|k| k.is_finite()),
        log_loss: Some(predictions.log_loss()?),
        brier: Some(predictions.brier_score()?),
        per_class: per_class(&matrix, predictions.class_names),
        confusion_matrix: matrix.rows(),
        reliability,
        ties: match item_ids {
            Some(_) => TieOrder::ItemId,
            None => TieOrder::Expected,
        },
        bootstrap: config.clone(),
    })
}

/// Names of the figures of [`headline`], in its order.
pub(crate) const HEADLINE: [&str; 6] = [
    "accuracy",
    "macro_f1",
    "micro_f1",
    "weighted_f1",
    "ndcg",
    "ndcg@10",
];

/// The figures that have intervals, for queries drawn `draws` times each.
pub(crate) fn headline(queries: &[QueryCounts], draws: &[u32], classes: usize) -> [f64; 6] {
    let matrix = pooled(queries, draws, classes);
    let f1 = |average| {
        matrix
            .average(average, ClassSet::Present, ZeroDivision::Zero)
            .f1
    };
    let drawn: f64 = draws.iter().map(|&n| f64::from(n)).sum();
    let mean = |figure: fn(&QueryCounts) -> f64| {
        let terms = queries.iter().zip(draws);
        terms
            .map(|(query, &n)| figure(query) * f64::from(n))
            .sum::<f64>()
            / drawn
    };
    [
        matrix.accuracy(),
        f1(Average::Macro),
        f1(Average::Micro),
        f1(Average::Weighted),
        mean(|query| query.ndcg),
        mean(|query| query.ndcg_at_10),
    ]
}

fn pooled(queries: &[QueryCounts], draws: &[u32], classes: usize) -> ConfusionMatrix {
    let mut counts = vec![0u64; classes * classes];
    for (query, &n) in queries.iter().zip(draws) {
        for &(cell, count) in &query.cells {
            counts[cell] += u64::from(n) * u64::from(count);
        }
    }
    ConfusionMatrix::from_counts(counts, classes)
}

fn per_class(matrix: &ConfusionMatrix, names: &[String]) -> Vec<ClassMetrics> {
    let row = |(class, name): (usize, &String)| {
        let scores = matrix.class_scores(class, ZeroDivision::Zero);
        ClassMetrics {
            class: name.clone(),
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            support: matrix.support(class),
        }
    };
    names.iter().enumerate().map(row).collect()
}

fn reliability(predictions: &Predictions<'_>) -> Result<Vec<ReliabilityBin>, EvalError> {
    let rows = 0..predictions.gold.len();
    let (confidences, correct): (Vec<f64>, Vec<bool>) = rows
        .map(|row| {
            let predicted = predictions.predicted(row);
            // Rounding may leave a probability of 1 a little above it.
            let confidence = predictions.probabilities[row][predicted].min(1.0);
            (confidence, predicted == predictions.gold[row])
        })
        .unzip();
    reliability_bins(&confidences, &correct, RELIABILITY_BINS)
}
