//! Supervised fine-tuning on prompt, reasoning and label (METHOD, stage 1.2).

use causal_lm::{CausalLm, LmExample, LmTokenizer};
use relevance_data::{LabelSchema, LabeledPair, Rationale, Reply, SftExample};
use serde::{Deserialize, Serialize};
use training_loop::{TrainReport, TrainerOptions, TrainingConfig};

use crate::error::TeacherError;
use crate::lm_task;
use crate::prompt::PromptTemplate;

/// How a decoder learns to reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftConfig {
    /// Tokens of prompt and reply at most; a longer example is refused. Default 1024.
    pub max_length: usize,
    /// Examples a batch. Default 8.
    pub per_device_train_batch_size: usize,
    /// The loop.
    pub training: TrainingConfig,
}

impl Default for SftConfig {
    fn default() -> Self {
        Self {
            max_length: 1024,
            per_device_train_batch_size: 8,
            training: TrainingConfig::default(),
        }
    }
}

/// Prompts and replies from labelled pairs and the reasons for their labels, each prompt cut so that
/// prompt, reply and end-of-text token fit into `max_length` tokens.
///
/// # Errors
/// [`TeacherError::PromptTooLong`] names the pair whose reply leaves no room for its query.
pub fn sft_examples<'a>(
    pairs: impl IntoIterator<Item = (&'a LabeledPair, Rationale)>,
    template: &PromptTemplate,
    schema: &LabelSchema,
    tokenizer: &LmTokenizer,
    max_length: usize,
) -> Result<Vec<SftExample>, TeacherError> {
    let example = |(row, (pair, rationale)): (usize, (&LabeledPair, Rationale))| {
        let reply = Reply {
            rationale,
            verdict: pair.label,
        };
        let completion = template.format.render(&reply, schema);
        let reply_tokens = tokenizer.encode(&completion)?.len() + 1;
        let room = max_length.saturating_sub(reply_tokens);
        let prompt = template.fit(&pair.pair, row, tokenizer, room)?;
        Ok(SftExample { prompt, completion })
    };
    pairs.into_iter().enumerate().map(example).collect()
}

/// Trains `model` on the completions; the loss never falls on a prompt.
///
/// The report's model is ready for inference.
///
/// # Errors
/// A configuration out of range, no examples, an example that is longer than `max_length` or has
/// no prompt, and whatever the decoder, the tokenizer or the training loop report.
pub fn sft(
    model: CausalLm,
    tokenizer: &LmTokenizer,
    examples: &[SftExample],
    config: &SftConfig,
    options: TrainerOptions,
) -> Result<TrainReport<CausalLm>, TeacherError> {
    let encoded = examples
        .iter()
        .enumerate()
        .map(|(row, example)| encode(row, example, tokenizer, config.max_length))
        .collect::<Result<Vec<_>, _>>()?;
    let batch_size = config.per_device_train_batch_size;
    lm_task::train(
        model,
        tokenizer,
        &encoded,
        batch_size,
        &config.training,
        options,
    )
}

/// Prompt and completion, tokenised apart so that no token spans both, with the end-of-text token.
fn encode(
    row: usize,
    example: &SftExample,
    tokenizer: &LmTokenizer,
    max_length: usize,
) -> Result<LmExample, TeacherError> {
    let prompt = tokenizer.encode(&example.prompt)?;
    let mut completion = tokenizer.encode(&example.completion)?;
    completion.push(tokenizer.eos_id());
    let tokens = prompt.len() + completion.len();
    if tokens > max_length {
        return Err(TeacherError::PromptTooLong {
            row,
            tokens,
            limit: max_length,
        });
    }
    Ok(LmExample::completion(&prompt, &completion))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::train_bpe_tokenizer;

    #[test]
    fn the_loss_falls_on_the_completion_and_its_end_only() {
        let tokenizer = train_bpe_tokenizer(["ask me. answer you."], 300).expect("trains");
        let example = SftExample {
            prompt: "ask me.".into(),
            completion: "answer you.".into(),
        };
        let encoded = encode(0, &example, &tokenizer, 100).expect("encodes");
        let prompt = tokenizer.encode(&example.prompt).expect("encodes").len();
        let learnt: Vec<usize> = (0..encoded.len())
            .filter(|&i| encoded.loss_mask[i])
            .collect();
        assert_eq!(learnt, (prompt..encoded.len()).collect::<Vec<_>>());
        assert_eq!(encoded.ids.last(), Some(&tokenizer.eos_id()));
        let error = encode(4, &example, &tokenizer, 5).expect_err("too long");
        assert!(error.to_string().contains("at most 5"), "{error}");
    }
}
