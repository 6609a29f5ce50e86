//! A learned head as one dimension among others.

use causal_lm::LmTokenizer;
use relevance_data::{Reply, ReplyFormat};

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::RewardError;
use crate::length_limits::LengthLimits;
use crate::reward_heads::RewardHeads;

/// One head of [`RewardHeads`], clamped to [0, 1], beside programmatic dimensions.
///
/// It runs the backbone once a reply; to score many replies with all heads at once,
/// [`RewardHeads::score`] is the better way.
#[derive(Debug, Clone)]
pub struct LearnedDimension {
    heads: RewardHeads,
    tokenizer: LmTokenizer,
    format: ReplyFormat,
    limits: LengthLimits,
    index: usize,
}

impl LearnedDimension {
    /// The head of that name.
    ///
    /// # Errors
    /// [`RewardError::UnknownDimension`] if there is none.
    pub fn new(
        heads: RewardHeads,
        tokenizer: LmTokenizer,
        format: ReplyFormat,
        limits: LengthLimits,
        name: &str,
    ) -> Result<Self, RewardError> {
        limits.validate()?;
        let index = heads.dimensions().iter().position(|d| d == name);
        let index = index.ok_or_else(|| RewardError::UnknownDimension {
            name: name.to_owned(),
            allowed: heads.dimensions().to_vec(),
        })?;
        Ok(Self {
            heads,
            tokenizer,
            format,
            limits,
            index,
        })
    }
}

impl RewardDimension for LearnedDimension {
    fn name(&self) -> &str {
        &self.heads.dimensions()[self.index]
    }

    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let text = self.format.render(reply, input.schema);
        let scores = self
            .heads
            .score(&self.tokenizer, &[(input.prompt, &text)], &self.limits)?;
        Ok(Some(f64::from(scores[0][self.index]).clamp(0.0, 1.0)))
    }
}
