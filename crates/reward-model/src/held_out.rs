//! What is known of learned heads: how they order pairs that they were not trained on.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use relevance_data::PreferencePair;
use serde::{Deserialize, Serialize};

use crate::error::{RewardError, check};

/// Below which chance counts as refuted.
const SIGNIFICANCE: f64 = 0.05;

/// How a reward orders the replies of pairs that it was not trained on.
///
/// Pairs of one prompt share a reply and are not independent, so the test against chance counts
/// prompts: under chance, of the `n` prompts that are not undecided each is right with probability ½,
/// and `p = Σ_{k ≥ right} C(n, k) / 2ⁿ` (the one-sided sign test).
///
/// ```
/// use reward_model::{HeadsVerdict, HeldOutAccuracy};
///
/// // A prompt's number, and the reward of its chosen minus that of its rejected reply.
/// let margins = [(0, 0.3), (0, -0.1), (0, 0.2), (1, 0.5), (2, 0.1), (3, 0.1), (4, 0.9), (5, 0.2)];
/// let accuracy = HeldOutAccuracy::from_margins(margins).unwrap();
/// assert_eq!((accuracy.pairs, accuracy.right, accuracy.prompts), (8, 7, 6));
/// assert!((accuracy.p_value - 1.0 / 64.0).abs() < 1e-12);
/// assert_eq!(accuracy.verdict(), HeadsVerdict::BetterThanChance);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HeldOutAccuracy {
    /// Pairs.
    pub pairs: usize,
    /// Pairs whose chosen reply has the higher reward.
    pub right: usize,
    /// `right / pairs`.
    pub accuracy: f64,
    /// Prompts.
    pub prompts: usize,
    /// Prompts with more pairs the right way round than the wrong way.
    pub prompts_right: usize,
    /// Prompts with more pairs the wrong way round.
    pub prompts_wrong: usize,
    /// How likely so many right prompts are, or more, if the reward knows nothing.
    pub p_value: f64,
}

/// Whether learned heads are worth using.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeadsVerdict {
    /// They order unseen pairs better than chance does (p below 0.05).
    BetterThanChance,
    /// Nothing says that they do; with few held-out prompts nothing can.
    NoBetterThanChance,
    /// No pair was held out, or the training was interrupted.
    NotMeasured,
}

impl std::fmt::Display for HeadsVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BetterThanChance => "better than chance",
            Self::NoBetterThanChance => "no better than chance",
            Self::NotMeasured => "not measured",
        })
    }
}

impl HeldOutAccuracy {
    /// Counts pairs, each given by a number for its prompt and the margin `R_w − R_l`; none without a
    /// pair.
    pub fn from_margins(margins: impl IntoIterator<Item = (usize, f64)>) -> Option<Self> {
        let (mut pairs, mut right) = (0, 0);
        let mut balances: BTreeMap<usize, i64> = BTreeMap::new();
        for (prompt, margin) in margins {
            pairs += 1;
            right += usize::from(margin > 0.0);
            *balances.entry(prompt).or_default() +=
                i64::from(margin > 0.0) - i64::from(margin < 0.0);
        }
        if pairs == 0 {
            return None;
        }
        let prompts_right = balances.values().filter(|&&balance| balance > 0).count();
        let prompts_wrong = balances.values().filter(|&&balance| balance < 0).count();
        Some(Self {
            pairs,
            right,
            accuracy: right as f64 / pairs as f64,
            prompts: balances.len(),
            prompts_right,
            prompts_wrong,
            p_value: sign_test(prompts_right, prompts_right + prompts_wrong),
        })
    }

    /// Whether the order is better than chance, at p below 0.05.
    pub fn verdict(&self) -> HeadsVerdict {
        if self.p_value < SIGNIFICANCE {
            HeadsVerdict::BetterThanChance
        } else {
            HeadsVerdict::NoBetterThanChance
        }
    }
}

impl std::fmt::Display for HeldOutAccuracy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "reward heads order {} of {} held-out pairs of {} prompts rightly (accuracy {:.3}), {} \
             (p = {:.2e} by prompts)",
            self.right,
            self.pairs,
            self.prompts,
            self.accuracy,
            self.verdict(),
            self.p_value
        )
    }
}

/// `P(X ≥ right)` of a binomial X of `n` throws of a fair coin.
///
/// Summed by logarithms, `ln C(n, k) = ln C(n, k − 1) + ln (n − k + 1) − ln k`, so that 2ⁿ overflows
/// for no `n`.
fn sign_test(right: usize, n: usize) -> f64 {
    let mut ln_term = -(n as f64) * std::f64::consts::LN_2; // k = 0
    let mut tail = 0.0;
    for k in 0..=n {
        if k > 0 {
            ln_term += ((n - k + 1) as f64).ln() - (k as f64).ln();
        }
        if k >= right {
            tail += ln_term.exp();
        }
    }
    f64::min(tail, 1.0)
}

/// Parts pairs into those to train on and those to be held out: all pairs of `fraction` of the prompts,
/// drawn by `seed`, so that no prompt is on both sides; at least one prompt on each, unless there is
/// only one or `fraction` is 0. Both keep the order of `pairs`.
///
/// ```
/// use relevance_data::PreferencePair;
///
/// let pair = |i: usize| PreferencePair { prompt: format!("prompt {}", i / 2), ..Default::default() };
/// let (train, held_out) = reward_model::split_by_prompt((0..10).map(pair).collect(), 0.2, 42)?;
/// assert_eq!((train.len(), held_out.len()), (8, 2));
/// assert!(train.iter().all(|pair| pair.prompt != held_out[0].prompt));
/// # Ok::<(), reward_model::RewardError>(())
/// ```
///
/// # Errors
/// [`RewardError::InvalidConfig`] if `fraction` is not in [0, 1).
pub fn split_by_prompt(
    pairs: Vec<PreferencePair>,
    fraction: f64,
    seed: u64,
) -> Result<(Vec<PreferencePair>, Vec<PreferencePair>), RewardError> {
    let share = |fraction: f64| (0.0..1.0).contains(&fraction);
    check("fraction", fraction, share, "in [0, 1)")?;
    // Sorted before they are shuffled: the order of the pairs decides nothing.
    let prompts: BTreeSet<&str> = pairs.iter().map(|pair| pair.prompt.as_str()).collect();
    let mut prompts: Vec<&str> = prompts.into_iter().collect();
    let count = match prompts.len() {
        _ if fraction == 0.0 => 0,
        0 | 1 => 0,
        n => ((fraction * n as f64).round() as usize).clamp(1, n - 1),
    };
    prompts.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let out: HashSet<String> = prompts[..count]
        .iter()
        .map(|prompt| (*prompt).to_owned())
        .collect();
    Ok(pairs
        .into_iter()
        .partition(|pair| !out.contains(&pair.prompt)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Exact, in Python: float(Fraction(sum(comb(n, k) for k in range(right, n + 1)), 2**n))
    #[test]
    fn the_sign_test_is_the_exact_binomial_tail() {
        for (right, n, expected) in [
            (8, 10, 0.0546875),
            (9, 10, 0.0107421875),
            (5, 5, 0.03125),
            (0, 7, 1.0),
            (0, 0, 1.0),
            (60, 100, 0.028443966820490395),
            (1050, 2000, 0.013412073120140347),
        ] {
            let p = sign_test(right, n);
            assert!(
                (p - expected).abs() < 1e-9 * expected,
                "{right} of {n}: {p}, not {expected}"
            );
        }
    }

    #[test]
    fn pairs_of_one_prompt_count_as_one() {
        // Twenty right pairs, all of one prompt: no evidence but one prompt's.
        let one = HeldOutAccuracy::from_margins((0..20).map(|_| (3, 1.0))).unwrap();
        assert!(one.accuracy == 1.0 && (one.p_value - 0.5).abs() < 1e-12);
        assert_eq!(one.verdict(), HeadsVerdict::NoBetterThanChance);
        // Ties are neither right nor wrong.
        let ties = HeldOutAccuracy::from_margins([(0, 0.0), (1, 0.0)]).unwrap();
        assert_eq!(
            (ties.right, ties.prompts_right, ties.prompts_wrong),
            (0, 0, 0)
        );
        assert_eq!(ties.p_value, 1.0);
        assert_eq!(HeldOutAccuracy::from_margins([]), None);
        let nan = HeldOutAccuracy::from_margins([(0, f64::NAN)]).unwrap();
        assert_eq!(nan.verdict(), HeadsVerdict::NoBetterThanChance);
    }

    proptest! {
        #[test]
        fn no_prompt_is_on_both_sides(
            prompts in proptest::collection::vec(0usize..12, 1..60), fraction in 0.0f64..1.0, seed: u64,
        ) {
            let pairs = |prompts: &[usize]| -> Vec<PreferencePair> {
                let pair = |prompt: &usize| PreferencePair {
                    prompt: prompt.to_string(),
                    ..PreferencePair::default()
                };
                prompts.iter().map(pair).collect()
            };
            let names = |pairs: &[PreferencePair]| -> BTreeSet<String> {
                pairs.iter().map(|pair| pair.prompt.clone()).collect()
            };
            let (train, out) = split_by_prompt(pairs(&prompts), fraction, seed).unwrap();
            prop_assert_eq!(train.len() + out.len(), prompts.len());
            prop_assert!(names(&train).is_disjoint(&names(&out)));
            if fraction > 0.0 && names(&pairs(&prompts)).len() > 1 {
                prop_assert!(!train.is_empty() && !out.is_empty());
            }
            let reversed: Vec<usize> = prompts.into_iter().rev().collect();
            let (_, again) = split_by_prompt(pairs(&reversed), fraction, seed).unwrap();
            prop_assert_eq!(names(&out), names(&again));
        }
    }

    #[test]
    fn a_share_of_all_is_refused() {
        let error = split_by_prompt(Vec::new(), 1.0, 0).unwrap_err().to_string();
        assert_eq!(error, "`fraction` is 1, allowed: in [0, 1)");
        let (train, out) = split_by_prompt(vec![PreferencePair::default()], 0.5, 0).unwrap();
        assert_eq!((train.len(), out.len()), (1, 0));
    }
}
