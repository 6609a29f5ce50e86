//! Preference pairs from sampled replies.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use relevance_data::{Label, PreferencePair};
use serde::{Deserialize, Serialize};

use crate::composite_reward::RewardScore;
use crate::error::{RewardError, check};

/// A sampled reply and its reward.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredReply {
    /// The reply as sampled.
    pub text: String,
    /// Its reward.
    pub score: RewardScore,
}

/// The replies sampled for one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredPrompt {
    /// The prompt.
    pub prompt: String,
    /// The gold label.
    pub gold: Label,
    /// The replies.
    pub replies: Vec<ScoredReply>,
}

/// How pairs are built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PairBuilderConfig {
    /// Least difference of the two rewards, `R_w − R_l`. Default 0.15.
    pub min_margin: f64,
    /// Share of pairs whose rejected reply has a wrong label (or none that parses); in the others
    /// both labels are correct and the rejected reply is worse. Default 0.7.
    pub wrong_label_fraction: f64,
    /// Drop pairs of the kind that is too frequent until `wrong_label_fraction` is met. If one kind
    /// is absent altogether, all of the other are kept. If false, all pairs are kept. Default true.
    pub enforce_fraction: bool,
    /// Most pairs of each kind that one prompt gives, so that no prompt outweighs the others.
    /// Default 2.
    pub max_pairs_per_prompt: usize,
    /// Seed of the draw among pairs that are too many. Default 42.
    pub seed: u64,
}

impl Default for PairBuilderConfig {
    fn default() -> Self {
        Self {
            min_margin: 0.15,
            wrong_label_fraction: 0.7,
            enforce_fraction: true,
            max_pairs_per_prompt: 2,
            seed: 42,
        }
    }
}

impl PairBuilderConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_min_margin: min_margin = f64;
        with_wrong_label_fraction: wrong_label_fraction = f64;
        with_enforce_fraction: enforce_fraction = bool;
        with_max_pairs_per_prompt: max_pairs_per_prompt = usize;
        with_seed: seed = u64;
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), RewardError> {
        let fraction = |v: f64| (0.0..=1.0).contains(&v);
        check("min_margin", self.min_margin, fraction, "in [0, 1]")?;
        check(
            "wrong_label_fraction",
            self.wrong_label_fraction,
            fraction,
            "in [0, 1]",
        )?;
        let most = self.max_pairs_per_prompt as f64;
        check("max_pairs_per_prompt", most, |v| v >= 1.0, "at least 1")
    }
}

/// What became of the replies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairReport {
    /// Prompts.
    pub prompts: usize,
    /// Prompts none of whose replies has the gold label: they give no pair.
    pub prompts_without_correct: usize,
    /// Prompts that gave at least one pair, before any was dropped for the share.
    pub prompts_with_pairs: usize,
    /// Replies.
    pub replies: usize,
    /// Replies that do not parse.
    pub malformed_replies: usize,
    /// Replies with the gold label.
    pub correct_replies: usize,
    /// Candidates refused because the rewards are closer than `min_margin`.
    pub below_margin: usize,
    /// Pairs found whose rejected reply has a wrong label or does not parse.
    pub wrong_label_candidates: usize,
    /// Pairs found of two correct replies.
    pub both_correct_candidates: usize,
    /// Pairs kept whose rejected reply has a wrong label or does not parse.
    pub wrong_label_pairs: usize,
    /// Those among them whose rejected reply does not parse.
    pub malformed_pairs: usize,
    /// Pairs kept of two correct replies.
    pub both_correct_pairs: usize,
    /// `wrong_label_pairs` over all pairs kept; 0 if there are none.
    pub wrong_label_fraction: f64,
    /// Mean of `R_w − R_l` over all pairs kept; 0 if there are none.
    pub mean_margin: f64,
}

/// A pair before it is known whether it is kept.
struct Candidate<'a> {
    prompt: usize,
    chosen: &'a ScoredReply,
    rejected: &'a ScoredReply,
}

impl Candidate<'_> {
    fn margin(&self) -> f64 {
        self.chosen.score.reward - self.rejected.score.reward
    }
}

/// Builds preference pairs: the chosen reply has the gold label and the rejected one is worse by
/// `min_margin`, either because its label is wrong (or it does not parse), or although its label
/// is right.
///
/// For each prompt the chosen reply is the best correct one; among rejected replies of one kind
/// those with the widest margin are taken first, each text once. Pairs come in the order of the
/// prompts, and the same seed gives the same pairs.
///
/// ```
/// use relevance_data::LabelSchema;
/// use reward_model::{PairBuilderConfig, RewardScore, ScoredPrompt, ScoredReply, build_pairs};
///
/// let schema = LabelSchema::esci();
/// let (gold, wrong) = (schema.parse("Exact")?, schema.parse("Irrelevant")?);
/// let reply = |text: &str, verdict, reward| ScoredReply {
///     text: text.into(),
///     score: RewardScore {
///         reward, verdict: Some(verdict), format_error: None, dimensions: vec![], length: 4,
///     },
/// };
/// let replies = vec![reply("right", gold, 0.9), reply("wrong", wrong, 0.2), reply("close", gold, 0.8)];
/// let prompt = ScoredPrompt { prompt: "red mug".into(), gold, replies };
/// let (pairs, report) = build_pairs(&[prompt], &PairBuilderConfig::new())?;
/// assert_eq!((pairs[0].chosen.as_str(), pairs[0].rejected.as_str()), ("right", "wrong"));
/// assert_eq!((pairs.len(), report.below_margin), (1, 1)); // "close" is not worse by 0.15
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RewardError::InvalidConfig`] if the configuration is out of range.
pub fn build_pairs(
    prompts: &[ScoredPrompt],
    config: &PairBuilderConfig,
) -> Result<(Vec<PreferencePair>, PairReport), RewardError> {
    config.validate()?;
    let mut report = PairReport {
        prompts: prompts.len(),
        ..PairReport::default()
    };
    let (mut wrong, mut worse) = (Vec::new(), Vec::new());
    for (index, prompt) in prompts.iter().enumerate() {
        let before = wrong.len() + worse.len();
        candidates(index, prompt, config, &mut report, &mut wrong, &mut worse);
        report.prompts_with_pairs += usize::from(wrong.len() + worse.len() > before);
    }
    report.wrong_label_candidates = wrong.len();
    report.both_correct_candidates = worse.len();
    if config.enforce_fraction {
        let (keep_wrong, keep_worse) =
            shares(wrong.len(), worse.len(), config.wrong_label_fraction);
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        draw(&mut wrong, keep_wrong, &mut rng);
        draw(&mut worse, keep_worse, &mut rng);
    }
    report.wrong_label_pairs = wrong.len();
    report.both_correct_pairs = worse.len();
    let malformed = |c: &&Candidate<'_>| c.rejected.score.verdict.is_none();
    report.malformed_pairs = wrong.iter().filter(malformed).count();
    let mut kept: Vec<Candidate<'_>> = wrong.into_iter().chain(worse).collect();
    kept.sort_by_key(|candidate| candidate.prompt);
    let count = kept.len().max(1) as f64;
    report.wrong_label_fraction = report.wrong_label_pairs as f64 / count;
    report.mean_margin = kept.iter().map(Candidate::margin).sum::<f64>() / count + 0.0;
    let pairs = kept.iter().map(|candidate| PreferencePair {
        prompt: prompts[candidate.prompt].prompt.clone(),
        chosen: candidate.chosen.text.clone(),
        rejected: candidate.rejected.text.clone(),
        score_chosen: Some(candidate.chosen.score.reward),
        score_rejected: Some(candidate.rejected.score.reward),
    });
    Ok((pairs.collect(), report))
}

/// Adds the pairs of one prompt to those of each kind.
fn candidates<'a>(
    index: usize,
    prompt: &'a ScoredPrompt,
    config: &PairBuilderConfig,
    report: &mut PairReport,
    wrong: &mut Vec<Candidate<'a>>,
    worse: &mut Vec<Candidate<'a>>,
) {
    let correct = |reply: &ScoredReply| reply.score.verdict == Some(prompt.gold);
    report.replies += prompt.replies.len();
    report.correct_replies += prompt.replies.iter().filter(|r| correct(r)).count();
    let malformed = |r: &&ScoredReply| r.score.verdict.is_none();
    report.malformed_replies += prompt.replies.iter().filter(malformed).count();

    // From the best to the worst; equal rewards by text, so that sampling order does not matter.
    let mut ranked: Vec<&ScoredReply> = prompt.replies.iter().collect();
    ranked.sort_by(|a, b| {
        let by_reward = b.score.reward.total_cmp(&a.score.reward);
        by_reward.then_with(|| a.text.cmp(&b.text))
    });
    let Some(&chosen) = ranked.iter().find(|reply| correct(reply)) else {
        report.prompts_without_correct += 1;
        return;
    };
    let mut seen = BTreeSet::from([chosen.text.as_str()]);
    let (mut from_wrong, mut from_worse) = (0, 0);
    for &rejected in ranked.iter().rev() {
        if !seen.insert(&rejected.text) {
            continue;
        }
        let candidate = Candidate {
            prompt: index,
            chosen,
            rejected,
        };
        // Rewards are sums of fractions: a margin that is exact on paper may lack a last bit.
        if candidate.margin() < config.min_margin - 1e-9 {
            report.below_margin += 1;
            continue;
        }
        let (taken, kind) = match correct(rejected) {
            true => (&mut from_worse, &mut *worse),
            false => (&mut from_wrong, &mut *wrong),
        };
        if *taken < config.max_pairs_per_prompt {
            *taken += 1;
            kind.push(candidate);
        }
    }
}

/// How many of each kind to keep so that the first is `fraction` of all, as many as can be.
fn shares(wrong: usize, worse: usize, fraction: f64) -> (usize, usize) {
    if wrong == 0 || worse == 0 {
        return (wrong, worse);
    }
    if fraction == 1.0 {
        return (wrong, 0);
    }
    if fraction == 0.0 {
        return (0, worse);
    }
    let total = (wrong as f64 / fraction).min(worse as f64 / (1.0 - fraction));
    // At least one of each, or the rounding of small numbers would lose a kind.
    let keep = |share: f64, all: usize| ((share * total).round() as usize).clamp(1, all);
    (keep(fraction, wrong), keep(1.0 - fraction, worse))
}

/// Keeps `count` at random, in their order.
fn draw(candidates: &mut Vec<Candidate<'_>>, count: usize, rng: &mut ChaCha8Rng) {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.shuffle(rng);
    let kept: BTreeSet<usize> = order.into_iter().take(count).collect();
    let mut index = 0;
    candidates.retain(|_| {
        index += 1;
        kept.contains(&(index - 1))
    });
}
