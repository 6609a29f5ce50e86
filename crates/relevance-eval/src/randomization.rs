//! Paired randomisation tests over queries.
//!
//! If two systems were the same, swapping their answers to a query would change nothing. The test
//! swaps each query with probability one half and asks how often the difference is at least as large
//! as the one seen (Fisher 1935; Smucker et al. 2007 for retrieval). Unlike a t test it assumes no
//! distribution, and unlike a bootstrap it tests, not estimates.

// With d the difference seen and d*_1 ... d*_B those of B random swaps,
//   p = (1 + #{b : |d*_b| ≥ |d|}) / (1 + B).
// The 1 counts the swap that was seen, so that p is never 0 and the test never rejects too often.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::comparison::same_rows;
use crate::evaluation::{HEADLINE, headline};
use crate::lengths::same_length;
use crate::{EvalError, EvaluationConfig, Predictions};

/// The test of one figure.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RandomizationTest {
    /// Name of the figure.
    pub metric: String,
    /// Figure of `b` minus figure of `a`.
    pub difference: f64,
    /// Two-sided `(1 + #{|d*| ≥ |d|}) / (1 + samples)`.
    pub p_value: f64,
}

/// Differences are equal within this: sums in another order round.
const EQUAL: f64 = 1e-12;

/// Tests every headline figure of `b` against `a`, swapping whole queries: `accuracy`, `macro_f1`,
/// `micro_f1`, `weighted_f1`, `ndcg`, `ndcg@10`. Both must hold the same rows in the same order.
/// `config` gives the number of permutations (`bootstrap_samples`) and the seed.
///
/// ```
/// use relevance_eval::{EvaluationConfig, Predictions, paired_randomization};
///
/// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
/// let (queries, gold) = (["a", "b", "c"], [0, 0, 0]);
/// let a = Predictions::new(&queries, &gold, &[[0.4, 0.6]; 3], &classes)?;
/// let b = Predictions::new(&queries, &gold, &[[0.9, 0.1]; 3], &classes)?;
/// let tests = paired_randomization(&a, &b, &EvaluationConfig::default())?;
/// assert_eq!((tests[0].metric.as_str(), tests[0].difference), ("accuracy", 1.0));
/// // Of the 8 swaps of three queries two are as large: all and none.
/// assert!((tests[0].p_value - 0.25).abs() < 0.05);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// As [`paired_bootstrap`](crate::paired_bootstrap).
pub fn paired_randomization(
    a: &Predictions<'_>,
    b: &Predictions<'_>,
    config: &EvaluationConfig,
) -> Result<Vec<RandomizationTest>, EvalError> {
    config.validate()?;
    same_rows(a, b)?;
    let classes = a.classes();
    // One table of both systems' queries: what is drawn once is a's or b's answer.
    let mut both = a.by_query()?;
    let queries = both.len();
    both.extend(b.by_query()?);
    let difference = |swapped: &[bool]| -> [f64; 6] {
        let draws = |of_b: bool| -> Vec<u32> {
            let first = swapped.iter().map(|&swap| u32::from(swap == of_b));
            let second = swapped.iter().map(|&swap| u32::from(swap != of_b));
            first.chain(second).collect()
        };
        let (of_a, of_b) = (
            headline(&both, &draws(false), classes),
            headline(&both, &draws(true), classes),
        );
        std::array::from_fn(|i| of_b[i] - of_a[i])
    };
    let seen = difference(&vec![false; queries]);
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let mut as_large = [0_usize; 6];
    for _ in 0..config.bootstrap_samples {
        let swapped: Vec<bool> = (0..queries).map(|_| rng.random()).collect();
        let drawn = difference(&swapped);
        for (count, (drawn, seen)) in as_large.iter_mut().zip(drawn.iter().zip(&seen)) {
            *count += usize::from(drawn.abs() >= seen.abs() - EQUAL);
        }
    }
    let samples = (config.bootstrap_samples + 1) as f64;
    let test = |(i, metric): (usize, &&str)| RandomizationTest {
        metric: (*metric).to_owned(),
        difference: seen[i],
        p_value: (as_large[i] + 1) as f64 / samples,
    };
    Ok(HEADLINE.iter().enumerate().map(test).collect())
}

/// Tests the mean of per-query figures (average precision, reciprocal rank, ...) of `b` against `a`; one
/// entry a query, in the same order. Two-sided; `config` as in [`paired_randomization`].
///
/// ```
/// use relevance_eval::{EvaluationConfig, paired_randomization_of_means};
///
/// // b is better by 0.5 on each of three queries: 2 of the 8 swaps are as large.
/// let (a, b) = ([0.0, 0.25, 0.5], [0.5, 0.75, 1.0]);
/// let p = paired_randomization_of_means(&a, &b, &EvaluationConfig::default())?;
/// assert!((p - 0.25).abs() < 0.05);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Differing lengths, no query, a figure that is not finite.
pub fn paired_randomization_of_means(
    a: &[f64],
    b: &[f64],
    config: &EvaluationConfig,
) -> Result<f64, EvalError> {
    config.validate()?;
    same_length("system b", b.len(), "system a", a.len())?;
    if a.is_empty() {
        return Err(EvalError::Empty { what: "queries" });
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    if let Some((index, &value)) = differences.iter().enumerate().find(|(_, d)| !d.is_finite()) {
        return Err(EvalError::OutOfRange {
            what: "differences",
            index,
            value,
            allowed: "finite numbers",
        });
    }
    let seen = differences.iter().sum::<f64>().abs();
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let as_large = (0..config.bootstrap_samples)
        .filter(|_| {
            let signed = differences.iter();
            let sum: f64 = signed.map(|d| if rng.random() { *d } else { -d }).sum();
            sum.abs() >= seen - EQUAL
        })
        .count();
    Ok((as_large + 1) as f64 / (config.bootstrap_samples + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(samples: usize) -> EvaluationConfig {
        EvaluationConfig::new().with_bootstrap_samples(samples)
    }

    #[test]
    fn the_p_value_is_that_of_all_sign_flips() {
        // Six queries, all better by the same: 2 of 64 flips are as large.
        let (a, b) = ([0.1; 6], [0.3; 6]);
        let p = paired_randomization_of_means(&a, &b, &config(20_000)).unwrap();
        assert!((p - 2.0 / 64.0).abs() < 0.005, "{p}");
        assert_eq!(
            paired_randomization_of_means(&a, &a, &config(50)).unwrap(),
            1.0
        );
        assert!(paired_randomization_of_means(&a, &b[..5], &config(50)).is_err());
        assert!(paired_randomization_of_means(&[], &[], &config(50)).is_err());
        assert!(paired_randomization_of_means(&[f64::NAN], &[1.0], &config(50)).is_err());
    }

    #[test]
    fn swapping_queries_tests_every_figure() {
        let queries: Vec<String> = (0..24).map(|row| format!("q{}", row / 2)).collect();
        let gold: Vec<usize> = (0..24).map(|row| row % 2).collect();
        let right: Vec<Vec<f64>> = gold
            .iter()
            .map(|&g| {
                if g == 0 {
                    vec![0.9, 0.1]
                } else {
                    vec![0.1, 0.9]
                }
            })
            .collect();
        let wrong: Vec<Vec<f64>> = right.iter().map(|p| vec![p[1], p[0]]).collect();
        let classes = [("yes", 1.0), ("no", 0.0)];
        let system = |p| Predictions::new(&queries, &gold, p, &classes).unwrap();
        let tests = paired_randomization(&system(&wrong), &system(&right), &config(500));
        for test in tests.unwrap() {
            assert!(test.difference > 0.0 && test.p_value < 0.01, "{test:?}");
        }
        let same = paired_randomization(&system(&right), &system(&right), &config(50));
        assert!(same.unwrap().iter().all(|test| test.p_value == 1.0));
    }
}
