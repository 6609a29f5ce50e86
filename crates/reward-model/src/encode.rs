//! Rows of replies as a batch.

use burn::Tensor;
use burn::tensor::{Device, Int, TensorData};
use causal_lm::{CausalLmError, CompletionEncoder, EncodedCompletion, LmBatch, LmExample};

use crate::error::RewardError;

/// Encodes one reply; `row` and `field` say where it stood.
pub(crate) fn encode_reply(
    encoder: &CompletionEncoder<'_>,
    prompt: &str,
    reply: &str,
    row: usize,
) -> Result<EncodedCompletion, RewardError> {
    encoder.encode(prompt, reply).map_err(|error| match error {
        CausalLmError::EmptyText { part } => RewardError::Example {
            row,
            field: if part == "prompt" { part } else { "reply" },
            reason: "it is empty".into(),
        },
        other => other.into(),
    })
}

/// A batch of replies.
pub(crate) struct RewardBatch {
    pub(crate) lm: LmBatch,
    /// `[b]`, each reply's last token, as an index into the `b * t` tokens: its end token, unless the
    /// reply was cut.
    pub(crate) last: Tensor<1, Int>,
}

impl RewardBatch {
    pub(crate) fn collate<'a>(
        replies: impl IntoIterator<Item = &'a EncodedCompletion>,
        pad_id: u32,
        device: &Device,
    ) -> Result<Self, RewardError> {
        let examples: Vec<LmExample> = replies
            .into_iter()
            .map(|reply| reply.example.clone())
            .collect();
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
