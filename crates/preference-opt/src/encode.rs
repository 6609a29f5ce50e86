//! Preference pairs as token ids.

use causal_lm::{CompletionPair, EncodedPairs, LmTokenizer};
use relevance_data::PreferencePair;

use crate::config::DpoConfig;
use crate::error::PreferenceError;

/// Encodes pairs as [`train_preference`](crate::train_preference) does: by
/// [`causal_lm::CompletionEncoder`], within the limits of `config`. Tells beforehand how many pairs are
/// cut, and how many are left out because cutting makes their replies equal.
///
/// # Errors
/// [`PreferenceError::Pair`] names the first pair whose prompt or reply is empty, or whose two
/// replies are the same; [`PreferenceError::InvalidConfig`].
pub fn encode_pairs(
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    config: &DpoConfig,
) -> Result<EncodedPairs, PreferenceError> {
    config.validate()?;
    let pairs = pairs.iter().map(|pair| CompletionPair {
        prompt: &pair.prompt,
        chosen: &pair.chosen,
        rejected: &pair.rejected,
    });
    Ok(config.encoder(tokenizer)?.encode_pairs(pairs)?)
}
