//! Prompts and replies as token ids.

use burn::Tensor;
use burn::tensor::{Device, Int, TensorData};
use causal_lm::{LmBatch, LmExample, LmTokenizer};

use crate::error::RewardError;
use crate::length_limits::LengthLimits;

/// A prompt and a reply, ended by the end-of-text token, at which the heads read.
#[derive(Debug, Clone)]
pub(crate) struct EncodedReply(LmExample);

impl EncodedReply {
    /// Tokens.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Encodes one reply. However long it is, its last token is the end of text.
pub(crate) fn encode_reply(
    tokenizer: &LmTokenizer,
    prompt: &str,
    reply: &str,
    row: usize,
    field: &'static str,
    limits: &LengthLimits,
) -> Result<EncodedReply, RewardError> {
    let empty = |field| RewardError::Example {
        row,
        field,
        reason: "it has no token".into(),
    };
    let mut prompt = tokenizer.encode(prompt)?;
    if prompt.is_empty() {
        return Err(empty("prompt"));
    }
    prompt.drain(..prompt.len().saturating_sub(limits.max_prompt_length));
    let mut reply = tokenizer.encode(reply)?;
    if reply.is_empty() {
        return Err(empty(field));
    }
    reply.truncate(limits.max_length - prompt.len() - 1);
    reply.push(tokenizer.eos_id());
    Ok(EncodedReply(LmExample::completion(&prompt, &reply)))
}

/// A batch of replies.
pub(crate) struct RewardBatch {
    pub(crate) lm: LmBatch,
    /// `[b]`, each reply's last token, as an index into the `b * t` tokens.
    pub(crate) last: Tensor<1, Int>,
}

impl RewardBatch {
    pub(crate) fn collate(
        replies: &[EncodedReply],
        pad_id: u32,
        device: &Device,
    ) -> Result<Self, RewardError> {
        let examples: Vec<LmExample> = replies.iter().map(|reply| reply.0.clone()).collect();
        let lm = LmBatch::collate(&examples, pad_id, device)?;
        let [b, t] = lm.dims();
        let last = examples
            .iter()
            .enumerate()
            .map(|(i, e)| (i * t + e.len() - 1) as i64);
        let last = TensorData::new(last.collect::<Vec<i64>>(), [b]);
        Ok(Self {
            lm,
            last: Tensor::from_data(last, device),
        })
    }
}
