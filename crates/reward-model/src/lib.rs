//! Rewards for a teacher's replies: dimensions in [0, 1] (correctness, consistency, grounding, rule
//! adherence, conciseness) behind a format gate, weighted into one number; the same dimensions
//! learned as heads over a language model; and preference pairs built from sampled replies. The
//! paper has a multi-dimensional reward model; which dimensions, and their weights, is our choice.
//!
//! ```
//! use relevance_data::{Item, LabelSchema, Pair, Query, ReplyFormat};
//! use reward_model::{CompositeReward, Correctness, Grounding, RewardInput};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let schema = LabelSchema::esci();
//! let pair = Pair { query: Query::new("q1", "red mug"), item: Item::new("B1", "Blue mug") };
//! let reward = CompositeReward::gate(ReplyFormat::default())
//!     .with_dimension(Box::new(Correctness::Ordinal), 0.6)?
//!     .with_dimension(Box::new(Grounding), 0.4)?;
//! let input = RewardInput { prompt: "", pair: &pair, gold: Some(schema.parse("S")?), schema: &schema };
//! let score = reward.score("A \"mug\", though not \"red\".\n<label>Exact</label>", &input)?;
//! assert!((score.reward - (0.6 * (1.0 - 1.0 / 3.0) + 0.4)).abs() < 1e-12);
//! assert_eq!(reward.score("Exact, I think.", &input)?.reward, 0.0); // the gate
//! # Ok(()) }
//! ```
//!
//! # The dimensions
//! `R = 1[format] · Σ_d w_d r_d`, the weights scaled to sum to 1 over the dimensions present.
//!
//! | dimension | score | default weight |
//! |---|---|---|
//! | format | the reply parses ([`relevance_data::ReplyFormat`]) | gate |
//! | [`Correctness`] | `1 − abs(ŷ − y) / (K − 1)`, or equality | 0.40 |
//! | [`Consistency`] | the label read off the rationale alone equals the verdict | 0.20 |
//! | [`Grounding`] | share of cited spans that occur in query or item | 0.15 |
//! | [`RuleAdherence`] | share of a rubric's rules that hold | 0.15 |
//! | [`Conciseness`] | 1 within a band of lengths, falling outside of it | 0.10 |
//!
//! Each is a file; another is a type that implements [`RewardDimension`].
//!
//! # Learned heads
//! [`RewardHeads`] read the same off a language model's hidden state: each head fitted to scores
//! ([`train_regression`]), or their mean to preferences ([`train_pairwise`]). [`LearnedDimension`] puts
//! them among the dimensions above, in pair building or to choose among replies. Whether that is worth
//! while is measured on pairs of other prompts ([`split_by_prompt`]): pairwise training gives a
//! [`HeadsVerdict`], and [`PairwiseReport::dimension`] a dimension only where the heads beat chance.
//!
//! Symbols in shapes: `b` replies or pairs, `t` tokens, `h` hidden size, `D` dimensions, `K` classes.

mod bradley_terry;
mod composite_reward;
mod conciseness;
mod consistency;
mod correctness;
mod dimension;
mod encode;
mod error;
mod grounding;
mod held_out;
mod learned_dimension;
mod length_correlation;
mod length_limits;
mod masked_regression;
mod pair_builder;
mod rationale_labeler;
mod reward_heads;
mod rule_adherence;
mod train;
mod weights;

pub use bradley_terry::bradley_terry_loss;
pub use composite_reward::{CompositeReward, DimensionScore, RewardScore};
pub use conciseness::Conciseness;
pub use consistency::Consistency;
pub use correctness::Correctness;
pub use dimension::{RewardDimension, RewardInput};
pub use error::RewardError;
pub use grounding::Grounding;
pub use held_out::{HeadsVerdict, HeldOutAccuracy, split_by_prompt};
pub use learned_dimension::LearnedDimension;
pub use length_correlation::{LengthCorrelation, length_correlations};
pub use length_limits::LengthLimits;
pub use masked_regression::{MaskedRegression, masked_regression_loss};
pub use pair_builder::{PairBuilderConfig, PairReport, ScoredPrompt, ScoredReply, build_pairs};
pub use rationale_labeler::{BagOfWordsLabeler, RationaleLabeler};
pub use reward_heads::RewardHeads;
pub use rule_adherence::{Rule, RuleAdherence, WeightedRule};
pub use train::{
    PairwiseReport, RegressionExample, RewardTrainConfig, train_pairwise, train_regression,
};
pub use weights::DimensionWeights;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
