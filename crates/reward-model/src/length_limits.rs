//! How much of a prompt and a reply the heads read.

use causal_lm::{CausalLmConfig, CompletionEncoder, LmTokenizer};
use serde::{Deserialize, Serialize};

use crate::error::{RewardError, check};

/// How much of prompt and reply is read, and how many replies at a time.
///
/// ```
/// use reward_model::LengthLimits;
///
/// let limits = LengthLimits::new().with_max_length(640).with_max_prompt_length(512);
/// limits.validate()?;
/// assert!(limits.with_max_length(512).validate().is_err());
/// # Ok::<(), reward_model::RewardError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LengthLimits {
    /// Most tokens of prompt and reply together, at most the model's `max_position_embeddings`; the
    /// reply's end is cut. Default 1024.
    pub max_length: usize,
    /// Most tokens of the prompt, whose beginning is cut; below `max_length`. Default 512.
    pub max_prompt_length: usize,
    /// Replies that are scored at a time. Default 8.
    pub batch_size: usize,
}

impl Default for LengthLimits {
    fn default() -> Self {
        Self {
            max_length: 1024,
            max_prompt_length: 512,
            batch_size: 8,
        }
    }
}

impl LengthLimits {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_max_length: max_length = usize;
        with_max_prompt_length: max_prompt_length = usize;
        with_batch_size: batch_size = usize;
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), RewardError> {
        let positive = |v: f64| v >= 1.0;
        check(
            "max_prompt_length",
            self.max_prompt_length as f64,
            positive,
            "at least 1",
        )?;
        let room = |length: f64| length > self.max_prompt_length as f64;
        let allowed = format!("above `max_prompt_length` ({})", self.max_prompt_length);
        check("max_length", self.max_length as f64, room, &allowed)?;
        check("batch_size", self.batch_size as f64, positive, "at least 1")
    }

    /// Checks what depends on the model: a row that is longer than its context would be computed with
    /// positions that it has never seen.
    pub(crate) fn fits(&self, model: &CausalLmConfig) -> Result<(), RewardError> {
        let context = model.max_position_embeddings;
        let allowed = format!("at most {context}, the model's `max_position_embeddings`");
        let within = |length: f64| length <= context as f64;
        check("max_length", self.max_length as f64, within, &allowed)
    }

    /// Prompts and replies as rows within the limits.
    pub(crate) fn encoder<'a>(
        &self,
        tokenizer: &'a LmTokenizer,
    ) -> Result<CompletionEncoder<'a>, RewardError> {
        let (length, prompt) = (self.max_length, self.max_prompt_length);
        Ok(CompletionEncoder::new(tokenizer, length, prompt)?)
    }
}
