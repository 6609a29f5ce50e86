//! Every figure of one system, with intervals over queries.

use serde::{Deserialize, Serialize};

use crate::predictions::{QueryCounts, most_probable};
use crate::{
    AucAverage, Average, ClassMetrics, ClassSet, ConfusionMatrix, EvalError, EvaluationConfig,
    Interval, KappaWeights, Predictions, RELIABILITY_BINS, ReliabilityBin, ZeroDivision,
    bootstrap_by_query, expected_calibration_error, reliability_bins,
};

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
#[non_exhaustive]
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

/// Evaluates a system.
///
/// The predicted class is the most probable one, the ranking score the expected gain
/// `Σ_k p_k · gain_k`. The order of the rows does not matter. nDCG takes the expectation over the
/// orders of equal scores, or trec_eval's order if the predictions have item ids
/// ([`Predictions::with_item_ids`]).
///
/// ```
/// use relevance_eval::{EvaluationConfig, Predictions, evaluate};
///
/// let predictions = Predictions::new(
///     &["tent", "tent", "lamp", "lamp"],
///     &[0, 1, 1, 0],
///     &[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]],
///     &[("Relevant", 1.0), ("Irrelevant", 0.0)],
/// )?;
/// let evaluation = evaluate(&predictions, &EvaluationConfig::default())?;
/// assert_eq!(evaluation.accuracy.value, 0.75); // the third pair is wrong,
/// assert_eq!(evaluation.confusion_matrix, [[2, 0], [1, 1]]);
/// assert_eq!(evaluation.ndcg.value, 1.0); // but ranked right: 0.6 below 0.7
/// assert_eq!(evaluation.num_queries, 2);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Those of [`EvaluationConfig::validate`]; gains so large that a sum of them is not finite.
pub fn evaluate(
    predictions: &Predictions<'_>,
    config: &EvaluationConfig,
) -> Result<Evaluation, EvalError> {
    config.validate()?;
    let classes = predictions.classes();
    let queries = predictions.by_query()?;
    let matrix = pooled(&queries, &vec![1; queries.len()], classes);
    let [accuracy, macro_f1, micro_f1, weighted_f1, ndcg, ndcg_at_10] =
        bootstrap_by_query(queries.len(), config, |draws| {
            headline(&queries, draws, classes)
        })?;
    let reliability = reliability(predictions)?;
    Ok(Evaluation {
        num_pairs: predictions.num_pairs(),
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
        log_loss: Some(predictions.log_loss()),
        brier: Some(predictions.brier_score()),
        per_class: per_class(&matrix, &predictions.class_names),
        confusion_matrix: matrix.rows(),
        reliability,
        ties: match predictions.item_ids {
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

fn per_class(matrix: &ConfusionMatrix, names: &[&str]) -> Vec<ClassMetrics> {
    let row = |(class, name): (usize, &&str)| {
        let scores = matrix.class_scores(class, ZeroDivision::Zero);
        ClassMetrics {
            class: (*name).to_owned(),
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            support: matrix.support(class),
        }
    };
    names.iter().enumerate().map(row).collect()
}

fn reliability(predictions: &Predictions<'_>) -> Result<Vec<ReliabilityBin>, EvalError> {
    let (confidences, correct): (Vec<f64>, Vec<bool>) = predictions
        .judged()
        .map(|(gold, probabilities)| {
            let predicted = most_probable(probabilities);
            // Rounding may leave a probability of 1 a little above it.
            (probabilities[predicted].min(1.0), predicted == gold)
        })
        .unzip();
    reliability_bins(&confidences, &correct, RELIABILITY_BINS)
}
