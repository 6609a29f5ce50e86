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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::length_limits::LengthLimits;
    use causal_lm::LmTokenizer;

    #[test]
    fn the_rows_are_those_of_fine_tuning_and_preferences() {
        let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/tiny");
        let tokenizer = LmTokenizer::from_dir(tiny).unwrap();
        let limits = LengthLimits::new()
            .with_max_length(7)
            .with_max_prompt_length(4);
        let ours = limits.encoder(&tokenizer).unwrap();
        let theirs = CompletionEncoder::new(&tokenizer, 7, 4).unwrap();
        for reply in ["same colour", "same colour exact good match"] {
            let prompt = "query red shoe item red shoe";
            let row = encode_reply(&ours, prompt, reply, 0).unwrap();
            assert_eq!(row, theirs.encode(prompt, reply).unwrap());
            // The heads read the last token that is left: the end token of a whole reply.
            let device = Device::flex();
            let batch = RewardBatch::collate([&row], tokenizer.pad_id(), &device).unwrap();
            assert_eq!(batch.last.into_scalar::<i64>() as usize, row.len() - 1);
            let ends = row.example.ids.last() == Some(&tokenizer.eos_id());
            assert_eq!(ends, row.completion_cut == 0);
        }
        let error = encode_reply(&ours, "query", " ", 3)
            .unwrap_err()
            .to_string();
        assert_eq!(error, "example 3, field `reply`: it is empty");
    }
}
