//! A system that was trained several times: means over its runs, with intervals over queries.
//!
//! A resample draws the same queries for every run of both systems, so the interval is over queries
//! and the mean is over seeds; the spread of the seeds stands beside it.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{intervals, resample};
use crate::comparison::{same_rows, significance};
use crate::evaluation::{HEADLINE, headline};
use crate::predictions::QueryCounts;
use crate::{
    EvalError, EvaluationConfig, Interval, MetricDifference, PairedComparison, Predictions,
};

/// The figures of one system over several runs.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunsEvaluation {
    /// Number of runs.
    pub num_runs: usize,
    /// Number of distinct queries.
    pub num_queries: usize,
    /// One row a figure: `accuracy`, `macro_f1`, `micro_f1`, `weighted_f1`, `ndcg`, `ndcg@10`.
    pub metrics: Vec<RunsMetric>,
    /// How the resamples were made.
    pub bootstrap: EvaluationConfig,
}

/// One figure over several runs.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunsMetric {
    /// Name of the figure.
    pub metric: String,
    /// Mean over runs, with its interval over resampled queries.
    pub mean: Interval,
    /// Sample standard deviation over runs; absent with a single run.
    pub std_dev: Option<f64>,
    /// The figure of each run, in their order.
    pub runs: Vec<f64>,
}

impl RunsEvaluation {
    /// The row of a figure; none if there is none of this name.
    ///
    /// ```
    /// # use relevance_eval::{EvaluationConfig, Predictions, evaluate_runs};
    /// # let one = Predictions::new(&["q"], &[0], &[[1.0]], &[("only", 1.0)])?;
    /// let runs = evaluate_runs(&[one.clone(), one], &EvaluationConfig::default())?;
    /// assert_eq!(runs.metric("macro_f1").map(|row| row.mean.value), Some(1.0));
    /// assert_eq!(runs.metric("f1"), None);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn metric(&self, name: &str) -> Option<&RunsMetric> {
        self.metrics.iter().find(|row| row.metric == name)
    }
}

/// Evaluates a system by its runs on the same rows.
///
/// ```
/// use relevance_eval::{EvaluationConfig, Predictions, evaluate_runs};
///
/// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
/// let seeds = [[[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.7, 0.3]]]; // one table a seed
/// let runs = seeds.each_ref().map(|p| Predictions::new(&["a", "b"], &[0, 1], p, &classes));
/// let runs: Vec<_> = runs.into_iter().collect::<Result<_, _>>()?;
/// let evaluation = evaluate_runs(&runs, &EvaluationConfig::default())?;
/// let accuracy = evaluation.metric("accuracy").expect("one of the figures");
/// assert_eq!(accuracy.runs, [1.0, 0.5]);
/// assert_eq!(accuracy.mean.value, 0.75);
/// // √(0.25² + 0.25²), with n − 1 = 1 below.
/// assert!((accuracy.std_dev.unwrap() - 0.125_f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Those of [`crate::evaluate`] for each run, no run, and rows that differ between runs.
pub fn evaluate_runs(
    runs: &[Predictions<'_>],
    config: &EvaluationConfig,
) -> Result<RunsEvaluation, EvalError> {
    config.validate()?;
    let system = System::new("runs", runs)?;
    let mut mean = |draws: &[u32]| system.mean(draws);
    let samples = resample(system.num_queries(), config, &mut mean)?;
    let once = vec![1; system.num_queries()];
    let means = intervals(system.mean(&once), &samples, config)?;
    let of_runs: Vec<[f64; 6]> = system.each(&once).collect();
    let metrics = HEADLINE.iter().enumerate().map(|(i, &metric)| {
        let runs: Vec<f64> = of_runs.iter().map(|figures| figures[i]).collect();
        RunsMetric {
            metric: metric.into(),
            mean: means[i],
            std_dev: std_dev(&runs),
            runs,
        }
    });
    Ok(RunsEvaluation {
        num_runs: runs.len(),
        num_queries: system.num_queries(),
        metrics: metrics.collect(),
        bootstrap: config.clone(),
    })
}

/// Compares the mean over the runs of `b` with that of `a`, on the same resamples of the queries.
/// The two may have different numbers of runs; all must hold the same rows in the same order.
///
/// ```
/// use relevance_eval::{EvaluationConfig, Predictions, compare_runs};
///
/// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
/// let run = |p| Predictions::new(&["a", "b"], &[0, 1], p, &classes);
/// let right = run(&[[0.9, 0.1], [0.2, 0.8]])?;
/// let half = run(&[[0.6, 0.4], [0.7, 0.3]])?;
/// let config = EvaluationConfig::default();
/// let comparison = compare_runs(&[half.clone()], &[right, half], &config)?;
/// let accuracy = comparison.metric("accuracy").expect("one of the figures");
/// assert_eq!((accuracy.a, accuracy.b), (0.5, 0.75)); // the mean of 1 and 0.5
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// As [`evaluate_runs`] for either system, and rows that differ between them.
pub fn compare_runs(
    a: &[Predictions<'_>],
    b: &[Predictions<'_>],
    config: &EvaluationConfig,
) -> Result<PairedComparison, EvalError> {
    config.validate()?;
    let of_a = System::new("runs of system a", a)?;
    let of_b = System::new("runs of system b", b)?;
    same_rows(&a[0], &b[0])?;
    let mut difference = |draws: &[u32]| -> [f64; 6] {
        let (mean_a, mean_b) = (of_a.mean(draws), of_b.mean(draws));
        std::array::from_fn(|i| mean_b[i] - mean_a[i])
    };
    let num_queries = of_a.num_queries();
    let samples = resample(num_queries, config, &mut difference)?;
    let once = vec![1; num_queries];
    let differences = intervals(difference(&once), &samples, config)?;
    let (mean_a, mean_b) = (of_a.mean(&once), of_b.mean(&once));
    let metrics = HEADLINE.iter().enumerate().map(|(i, &metric)| {
        let column = samples.iter().map(|sample| sample[i]);
        MetricDifference {
            metric: metric.into(),
            a: mean_a[i],
            b: mean_b[i],
            difference: differences[i],
            p_value: significance(column),
        }
    });
    Ok(PairedComparison {
        num_queries,
        metrics: metrics.collect(),
        bootstrap: config.clone(),
    })
}

/// What the statistics need of each run's queries.
struct System {
    runs: Vec<Vec<QueryCounts>>,
    classes: usize,
}

impl System {
    fn new(what: &'static str, runs: &[Predictions<'_>]) -> Result<Self, EvalError> {
        let first = runs.first().ok_or(EvalError::Empty { what })?;
        for run in runs {
            same_rows(first, run)?;
        }
        let runs = runs.iter().map(Predictions::by_query);
        Ok(Self {
            runs: runs.collect::<Result<_, _>>()?,
            classes: first.classes(),
        })
    }

    fn num_queries(&self) -> usize {
        self.runs[0].len()
    }

    fn each(&self, draws: &[u32]) -> impl Iterator<Item = [f64; 6]> {
        let runs = self.runs.iter();
        runs.map(move |queries| headline(queries, draws, self.classes))
    }

    fn mean(&self, draws: &[u32]) -> [f64; 6] {
        let mut sums = [0.0; 6];
        for figures in self.each(draws) {
            for (sum, figure) in sums.iter_mut().zip(figures) {
                *sum += figure;
            }
        }
        sums.map(|sum| sum / self.runs.len() as f64)
    }
}

/// With `n − 1` in the denominator.
fn std_dev(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate;

    struct Rows {
        queries: Vec<String>,
        gold: Vec<usize>,
    }

    impl Rows {
        fn new() -> Self {
            Self {
                queries: (0..40).map(|row| format!("q{}", row / 4)).collect(),
                gold: (0..40).map(|row| row % 2).collect(),
            }
        }

        /// Right but for every `fault`-th row.
        fn system(&self, fault: usize) -> Vec<Vec<f64>> {
            let row = |(row, &gold): (usize, &usize)| {
                let right = if (row + 1).is_multiple_of(fault) {
                    0.2
                } else {
                    0.9
                };
                match gold {
                    0 => vec![right, 1.0 - right],
                    _ => vec![1.0 - right, right],
                }
            };
            self.gold.iter().enumerate().map(row).collect()
        }

        fn predictions<'a>(&'a self, probabilities: &'a [Vec<f64>]) -> Predictions<'a> {
            let classes = &[("yes", 1.0), ("no", 0.0)];
            Predictions::new(&self.queries, &self.gold, probabilities, classes).unwrap()
        }
    }

    #[test]
    fn one_run_is_an_evaluation() {
        let (rows, config) = (Rows::new(), EvaluationConfig::default());
        let (a, b) = (rows.system(3), rows.system(7));
        let (a, b) = (rows.predictions(&a), rows.predictions(&b));
        let runs = evaluate_runs(std::slice::from_ref(&a), &config).unwrap();
        let single = evaluate(&a, &config).unwrap();
        let macro_f1 = runs.metric("macro_f1").unwrap();
        assert_eq!(macro_f1.mean, single.macro_f1);
        assert_eq!(macro_f1.std_dev, None);
        // The difference of two single runs is that of their evaluations.
        let of_b = evaluate(&b, &config).unwrap().macro_f1.value;
        let compared = compare_runs(&[a], &[b], &config).unwrap();
        let row = compared.metric("macro_f1").unwrap();
        assert_eq!((row.a, row.b), (single.macro_f1.value, of_b));
        assert_eq!(row.difference.value, of_b - single.macro_f1.value);
    }

    #[test]
    fn the_mean_is_over_runs_and_a_system_equals_itself() {
        let (rows, config) = (Rows::new(), EvaluationConfig::default());
        let systems = [rows.system(3), rows.system(5), rows.system(7)];
        let runs: Vec<_> = systems.iter().map(|p| rows.predictions(p)).collect();
        let found = evaluate_runs(&runs, &config).unwrap();
        let accuracy = found.metric("accuracy").unwrap();
        // Faults: 13, 8 and 5 of 40 rows.
        assert_eq!(accuracy.runs, [27.0 / 40.0, 32.0 / 40.0, 35.0 / 40.0]);
        assert!((accuracy.mean.value - 94.0 / 120.0).abs() < 1e-12);
        assert!((accuracy.std_dev.unwrap() - 0.101_036_3).abs() < 1e-6);
        let same = compare_runs(&runs, &runs, &config).unwrap();
        let row = same.metric("macro_f1").unwrap();
        assert_eq!((row.difference.value, row.p_value), (0.0, 1.0));
    }

    #[test]
    fn other_rows_and_no_run_are_refused() {
        let (rows, config) = (Rows::new(), EvaluationConfig::default());
        let probabilities = rows.system(3);
        let a = rows.predictions(&probabilities);
        assert!(evaluate_runs(&[], &config).is_err());
        let mut other = Rows::new();
        other.gold[3] = 0;
        let b = other.predictions(&probabilities);
        assert!(matches!(
            compare_runs(std::slice::from_ref(&a), &[b], &config),
            Err(EvalError::SystemsDiffer {
                what: "gold",
                index: 3
            })
        ));
        let items: Vec<String> = (0..40).map(|row| row.to_string()).collect();
        let with_ids = a.clone().with_item_ids(&items).unwrap();
        assert!(matches!(
            evaluate_runs(&[a, with_ids], &config),
            Err(EvalError::SystemsDiffer {
                what: "item_ids",
                ..
            })
        ));
    }
}
