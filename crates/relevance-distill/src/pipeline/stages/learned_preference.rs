//! The reward head as one dimension among others.

use causal_lm::LmTokenizer;
use relevance_data::{Reply, ReplyFormat};
use reward_model::{LengthLimits, RewardDimension, RewardError, RewardHeads, RewardInput};

/// The name of the head and of its dimension.
pub(super) const LEARNED: &str = "learned_preference";

/// `σ(r − r̄)`: by the Bradley–Terry model that the head was trained as, the probability that the reply is
/// preferred to an average one. `r̄` is the head's mean over the replies that it learned from.
#[derive(Debug)]
pub(super) struct LearnedPreference {
    pub(super) heads: RewardHeads,
    pub(super) tokenizer: LmTokenizer,
    pub(super) format: ReplyFormat,
    pub(super) limits: LengthLimits,
    pub(super) mean_reward: f64,
}

impl RewardDimension for LearnedPreference {
    fn name(&self) -> &str {
        LEARNED
    }

    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let text = self.format.render(reply, input.schema);
        let rows = [(input.prompt, text.as_str())];
        let scores = self.heads.score(&self.tokenizer, &rows, &self.limits)?;
        let reward = f64::from(scores[0][0]);
        Ok(Some(1.0 / (1.0 + (self.mean_reward - reward).exp())))
    }
}
