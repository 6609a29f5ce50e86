//! Preference pairs as token ids.

use causal_lm::{LmExample, LmTokenizer};
use relevance_data::PreferencePair;

use crate::config::DpoConfig;
use crate::error::PreferenceError;

/// One pair, its prompt in front of both replies; the loss mask covers the reply only.
#[derive(Debug, Clone)]
pub struct EncodedPair {
    /// Prompt and chosen reply.
    pub chosen: LmExample,
    /// Prompt and rejected reply.
    pub rejected: LmExample,
}

/// Pairs as token ids, and how many had to be cut.
#[derive(Debug, Clone)]
pub struct EncodedPairs {
    /// The pairs, in their order.
    pub pairs: Vec<EncodedPair>,
    /// Pairs whose prompt lost its beginning.
    pub truncated_prompts: usize,
    /// Pairs of which a reply lost its end.
    pub truncated_replies: usize,
}

/// Encodes pairs: prompt and reply are tokenised apart, so that no token spans both, and the
/// end-of-text token is added to each reply.
///
/// A prompt keeps its last `max_prompt_length` tokens, a reply its first
/// `max_length − prompt` tokens.
///
/// # Errors
/// [`PreferenceError::Pair`] names the first pair whose prompt or reply is empty, or whose two
/// replies are the same.
pub fn encode_pairs(
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    config: &DpoConfig,
) -> Result<EncodedPairs, PreferenceError> {
    let mut encoded = EncodedPairs {
        pairs: Vec::with_capacity(pairs.len()),
        truncated_prompts: 0,
        truncated_replies: 0,
    };
    for (row, pair) in pairs.iter().enumerate() {
        let refuse = |field, reason: &str| PreferenceError::Pair {
            row,
            field,
            reason: reason.to_owned(),
        };
        for (field, text) in [("chosen", &pair.chosen), ("rejected", &pair.rejected)] {
            if text.trim().is_empty() {
                return Err(refuse(field, "it is empty"));
            }
        }
        if pair.chosen == pair.rejected {
            return Err(refuse("rejected", "it is the same text as `chosen`"));
        }
        let mut prompt = tokenizer.encode(&pair.prompt)?;
        if prompt.is_empty() {
            return Err(refuse("prompt", "it has no token"));
        }
        let surplus = prompt.len().saturating_sub(config.max_prompt_length);
        prompt.drain(..surplus);
        encoded.truncated_prompts += usize::from(surplus > 0);

        let room = config.max_length - prompt.len();
        let reply = |text: &str| -> Result<(LmExample, bool), PreferenceError> {
            let mut reply = tokenizer.encode(text)?;
            reply.push(tokenizer.eos_id());
            let cut = reply.len() > room;
            reply.truncate(room);
            Ok((LmExample::completion(&prompt, &reply), cut))
        };
        let (chosen, cut_chosen) = reply(&pair.chosen)?;
        let (rejected, cut_rejected) = reply(&pair.rejected)?;
        encoded.truncated_replies += usize::from(cut_chosen || cut_rejected);
        encoded.pairs.push(EncodedPair { chosen, rejected });
    }
    Ok(encoded)
}
