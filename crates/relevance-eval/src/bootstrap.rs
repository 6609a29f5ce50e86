//! Percentile bootstrap over queries.
//!
//! Rows of one query are not independent of each other, so a resample draws whole queries, with
//! replacement. A statistic sees how often each query was drawn and can therefore be computed from
//! per-query counts, without touching a row.

// One resample draws q queries with replacement from q: the statistic θ* of resample b is computed
// from how often each query came, and the interval at confidence c is the span between the
// (1 − c)/2 and (1 + c)/2 quantiles of θ*_1 ... θ*_B. It is not centred on the point value, which is
// that of the data as they are.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{EvalError, EvaluationConfig};

/// A figure with its bootstrap interval. Shown as `value [lower, upper]`, with four decimal places
/// unless told otherwise.
///
/// ```
/// use relevance_eval::Interval;
///
/// let f1 = Interval { value: 0.75, lower: 0.5, upper: 0.875 };
/// assert_eq!(f1.to_string(), "0.7500 [0.5000, 0.8750]");
/// assert_eq!(format!("{f1:.2}"), "0.75 [0.50, 0.88]");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Interval {
    /// The figure on the data as they are.
    pub value: f64,
    /// Lower percentile of the resamples.
    pub lower: f64,
    /// Upper percentile of the resamples.
    pub upper: f64,
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = f.precision().unwrap_or(4);
        let Self {
            value,
            lower,
            upper,
        } = self;
        write!(f, "{value:.places$} [{lower:.places$}, {upper:.places$}]")
    }
}

/// Intervals of `N` statistics over the same resamples of `num_queries` queries.
///
/// `statistic` gets, for each query, how often it was drawn (all 1 for the point value).
/// The percentiles are interpolated linearly, as `numpy.percentile` does.
/// Efron and Tibshirani 1993, section 13.3.
///
/// ```
/// use relevance_eval::{EvaluationConfig, bootstrap_by_query};
///
/// // The share of queries that were answered, of four: drawn n times, a query counts n times.
/// let answered = [1.0, 1.0, 1.0, 0.0];
/// let share = |draws: &[u32]| {
///     let sum: f64 = draws.iter().zip(answered).map(|(&n, a)| f64::from(n) * a).sum();
///     [sum / draws.iter().sum::<u32>() as f64]
/// };
/// let [interval] = bootstrap_by_query(4, &EvaluationConfig::default(), share)?;
/// assert_eq!(interval.value, 0.75);
/// // Of 256 equally likely resamples 1 answers none of its four and 12 answer one: the lower 2.5 % end
/// // there. 81 answer all four, which holds the upper 2.5 %.
/// assert_eq!((interval.lower, interval.upper), (0.25, 1.0));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// No queries, a config outside its range, a statistic that is not finite.
pub fn bootstrap_by_query<const N: usize>(
    num_queries: usize,
    config: &EvaluationConfig,
    mut statistic: impl FnMut(&[u32]) -> [f64; N],
) -> Result<[Interval; N], EvalError> {
    let samples = resample(num_queries, config, &mut statistic)?;
    let point = statistic(&vec![1; num_queries]);
    intervals(point, &samples, config)
}

/// The statistics of each resample: `[bootstrap_samples][N]`.
pub(crate) fn resample<const N: usize>(
    num_queries: usize,
    config: &EvaluationConfig,
    statistic: &mut impl FnMut(&[u32]) -> [f64; N],
) -> Result<Vec<[f64; N]>, EvalError> {
    config.validate()?;
    let upper = u32::try_from(num_queries).map_err(|_| EvalError::InvalidConfig {
        field: "num_queries",
        value: num_queries.to_string(),
        allowed: "below 2^32",
    })?;
    if upper == 0 {
        return Err(EvalError::Empty { what: "queries" });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let mut draws = vec![0u32; num_queries];
    let mut samples = Vec::with_capacity(config.bootstrap_samples);
    for _ in 0..config.bootstrap_samples {
        draws.fill(0);
        for _ in 0..num_queries {
            draws[rng.random_range(0..upper) as usize] += 1;
        }
        samples.push(statistic(&draws));
    }
    Ok(samples)
}

pub(crate) fn intervals<const N: usize>(
    point: [f64; N],
    samples: &[[f64; N]],
    config: &EvaluationConfig,
) -> Result<[Interval; N], EvalError> {
    let tail = (1.0 - config.confidence) / 2.0;
    let mut intervals = [Interval::default(); N];
    for (i, interval) in intervals.iter_mut().enumerate() {
        let mut column: Vec<f64> = samples.iter().map(|sample| sample[i]).collect();
        let all = std::iter::once(&point[i]).chain(&column);
        if let Some(&value) = all.clone().find(|value| !value.is_finite()) {
            return Err(EvalError::OutOfRange {
                what: "statistic",
                index: i,
                value,
                allowed: "a finite number for every resample",
            });
        }
        column.sort_by(f64::total_cmp);
        *interval = Interval {
            value: point[i],
            lower: percentile(&column, tail),
            upper: percentile(&column, 1.0 - tail),
        };
    }
    Ok(intervals)
}

/// `numpy.percentile(sorted, 100 * q)`, method `linear`.
fn percentile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64]) -> impl FnMut(&[u32]) -> [f64; 1] {
        |draws| {
            let sum: f64 = values
                .iter()
                .zip(draws)
                .map(|(v, &n)| v * f64::from(n))
                .sum();
            [sum / values.len() as f64]
        }
    }

    #[test]
    fn percentiles_works_like_numpy() {
        // numpy.percentile([1, 2, 4, 8], [2.5, 50, 97.5]) == [1.075, 3.0, 7.7]
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (q, want) in [
            (0.025, 1.075),
            (0.5, 3.0),
            (0.975, 7.7),
            (0.0, 1.0),
            (1.0, 8.0),
        ] {
            assert!((percentile(&sorted, q) - want).abs() < 1e-12);
        }
        assert_eq!(percentile(&[3.0], 0.3), 3.0);
    }

    #[test]
    fn the_interval_of_a_mean_has_its_normal_width() {
        // 200 queries, half 0 and half 1: standard error 0.5 / sqrt(200).
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        let config = EvaluationConfig {
            bootstrap_samples: 4000,
            ..EvaluationConfig::default()
        };
        let [interval] = bootstrap_by_query(200, &config, mean(&values)).unwrap();
        let expected = 2.0 * 1.96 * 0.5 / 200f64.sqrt();
        assert_eq!(interval.value, 0.5);
        assert!(((interval.upper - interval.lower) / expected - 1.0).abs() < 0.06);
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let sets = 400;
        let hits = (0..sets).filter(|&seed| {
            let values: Vec<f64> = (0..60).map(|_| random.random::<f64>()).collect();
            let config = EvaluationConfig::new()
                .with_bootstrap_samples(300)
                .with_confidence(0.9)
                .with_seed(seed);
            let [found] = bootstrap_by_query(60, &config, mean(&values)).unwrap();
            (found.lower..=found.upper).contains(&0.5)
        });
        let coverage = hits.count() as f64 / sets as f64;
        assert!((0.85..0.94).contains(&coverage), "{coverage}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bits() {
        let values = [0.1, 0.7, 0.4, 0.9, 0.2];
        let run = |seed| {
            let config = EvaluationConfig::new().with_seed(seed);
            bootstrap_by_query(5, &config, mean(&values)).unwrap()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }

    #[test]
    fn one_query_gives_a_point() {
        let config = EvaluationConfig::default();
        let [interval] = bootstrap_by_query(1, &config, mean(&[0.3])).unwrap();
        assert_eq!((interval.lower, interval.upper), (0.3, 0.3));
    }

    #[test]
    fn bad_input_is_refused() {
        let config = EvaluationConfig::default();
        assert!(bootstrap_by_query(0, &config, mean(&[])).is_err());
        assert!(bootstrap_by_query(1, &config, mean(&[f64::NAN])).is_err());
        // Refused before the memory for them is asked for.
        for samples in [0, 1_000_001, 100_000_000_000, usize::MAX] {
            let config = EvaluationConfig::new().with_bootstrap_samples(samples);
            let refused = bootstrap_by_query(1, &config, mean(&[0.5])).unwrap_err();
            let message = format!("`bootstrap_samples` is {samples}, allowed: 1 to 1000000");
            assert_eq!(refused.to_string(), message);
        }
    }
}
