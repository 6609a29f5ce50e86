//! Supervised fine-tuning on prompt, reasoning and label (METHOD, stage 1.2).

use causal_lm::{CausalLm, CausalLmError, CompletionEncoder, LmExample, LmTokenizer};
use relevance_data::{LabelSchema, LabeledPair, Rationale, Reply, SftExample};
use serde::{Deserialize, Serialize};
use training_loop::{TrainReport, TrainerOptions, TrainingConfig};

use crate::error::TeacherError;
use crate::lm_task;
use crate::prompt::PromptTemplate;

/// How a decoder learns to reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SftConfig {
    /// Tokens of prompt, reply and end token at most, itself at most the model's
    /// `max_position_embeddings`; a longer example is refused, for its verdict would be cut off.
    /// Default 1024.
    pub max_length: usize,
    /// Examples a batch. Default 8.
    pub train_batch_size: usize,
    /// The loop.
    pub training: TrainingConfig,
}

impl Default for SftConfig {
    fn default() -> Self {
        Self {
            max_length: 1024,
            train_batch_size: 8,
            training: TrainingConfig::default(),
        }
    }
}

impl SftConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_max_length: max_length = usize;
        with_train_batch_size: train_batch_size = usize;
        with_training: training = TrainingConfig;
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`TeacherError::InvalidConfig`] (or, for `training`, [`TeacherError::Train`]) names the first
    /// field that is out of range.
    pub fn validate(&self) -> Result<(), TeacherError> {
        if self.max_length < 2 {
            let allowed = "at least 2, for a prompt and a reply";
            return Err(TeacherError::invalid(
                "max_length",
                self.max_length,
                allowed,
            ));
        }
        TeacherError::positive("train_batch_size", self.train_batch_size)?;
        Ok(self.training.validate()?)
    }
}

/// Prompts and replies from labelled pairs and the reasons for their labels, each prompt cut so that
/// prompt, reply and end-of-text token fit into `max_length` tokens.
///
/// ```
/// use relevance_data::{Item, LabelSchema, LabeledPair, Pair, Query, RationaleWriter};
/// use teacher_train::{PromptTemplate, sft_examples, train_bpe_tokenizer};
///
/// let schema = LabelSchema::esci();
/// let template = PromptTemplate::compact(&schema);
/// let pair = Pair { query: Query::new("1", "usb cable"), item: Item::new("B1", "USB-C cable, 2 m") };
/// let labeled = LabeledPair { pair, label: schema.parse("Exact")? };
/// let reason = RationaleWriter::new(schema.clone()).write(&labeled);
/// let tokenizer = train_bpe_tokenizer([reason.as_str()], 300)?;
/// let examples = sft_examples([(&labeled, reason)], &template, &schema, &tokenizer, 512)?;
/// assert!(examples[0].prompt.ends_with("Reply:\n"));
/// assert!(examples[0].completion.ends_with("<label>Exact</label>"));
/// # Ok::<(), teacher_train::TeacherError>(())
/// ```
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
/// Examples become rows as [`causal_lm::CompletionEncoder`] says, except that none may be cut. The
/// report's model is ready for inference.
///
/// ```
/// use burn::tensor::Device;
/// use causal_lm::CausalLmConfig;
/// use relevance_data::SftExample;
/// use teacher_train::{SftConfig, sft, train_bpe_tokenizer};
/// use training_loop::{TrainerOptions, TrainingConfig};
///
/// let example = SftExample { prompt: "usb cable?".into(), completion: "<label>Exact</label>".into() };
/// let tokenizer = train_bpe_tokenizer([&example.prompt, &example.completion], 280)?;
/// let decoder = CausalLmConfig {
///     vocab_size: tokenizer.vocab_size(),
///     hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
///     num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 64,
///     ..CausalLmConfig::default()
/// };
/// let model = decoder.init(1, &Device::flex())?;
/// let training = TrainingConfig::new().with_learning_rate(1e-2).with_max_steps(10).with_logging_steps(1);
/// let config = SftConfig::new().with_max_length(64).with_training(training);
/// let report = sft(model, &tokenizer, &[example], &config, TrainerOptions::new())?;
/// assert!(report.log_history[9].loss < report.log_history[0].loss);
/// assert!(!report.model.device().is_autodiff()); // ready for inference
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A configuration out of range, a `max_length` above the model's context, no examples, an example that
/// is longer than `max_length` or lacks a prompt or a completion, and whatever the decoder, the
/// tokenizer or the training loop report.
pub fn sft(
    model: CausalLm,
    tokenizer: &LmTokenizer,
    examples: &[SftExample],
    config: &SftConfig,
    options: TrainerOptions,
) -> Result<TrainReport<CausalLm>, TeacherError> {
    config.validate()?;
    TeacherError::within_context("max_length", config.max_length, model.config())?;
    let encoded = encode(examples, tokenizer, config.max_length)?;
    let batch_size = config.train_batch_size;
    lm_task::train(
        model,
        tokenizer,
        &encoded,
        batch_size,
        &config.training,
        options,
    )
}

/// The rows of the examples, all of them whole.
fn encode(
    examples: &[SftExample],
    tokenizer: &LmTokenizer,
    max_length: usize,
) -> Result<Vec<LmExample>, TeacherError> {
    let encoder = CompletionEncoder::new(tokenizer, max_length, max_length - 1)?;
    let row = |(row, example): (usize, &SftExample)| {
        let encoded = encoder.encode(&example.prompt, &example.completion);
        let encoded = encoded.map_err(|error| match error {
            CausalLmError::EmptyText { part: field } => TeacherError::Example {
                row,
                field,
                reason: "it is empty".into(),
            },
            other => other.into(),
        })?;
        if encoded.is_whole() {
            return Ok(encoded.example);
        }
        Err(TeacherError::ExampleTooLong {
            row,
            tokens: encoded.len() + encoded.prompt_cut + encoded.completion_cut,
            limit: max_length,
        })
    };
    examples.iter().enumerate().map(row).collect()
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
        let encode = |max_length| encode(std::slice::from_ref(&example), &tokenizer, max_length);
        let encoded = encode(100).expect("encodes").remove(0);
        let prompt = tokenizer.encode(&example.prompt).expect("encodes").len();
        let learnt: Vec<usize> = (0..encoded.len())
            .filter(|&i| encoded.loss_mask[i])
            .collect();
        assert_eq!(learnt, (prompt..encoded.len()).collect::<Vec<_>>());
        assert_eq!(encoded.ids.last(), Some(&tokenizer.eos_id()));
        let error = encode(5).expect_err("too long");
        assert!(error.to_string().contains("at most 5"), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("have {} tokens", encoded.len())),
            "{error}"
        );
    }

    #[test]
    fn a_row_is_the_one_of_rewards_and_preferences() {
        let tokenizer = train_bpe_tokenizer(["ask me. answer you."], 300).expect("trains");
        let example = SftExample {
            prompt: "ask me.".into(),
            completion: "answer you.".into(),
        };
        let rows = encode(std::slice::from_ref(&example), &tokenizer, 100).expect("encodes");
        // The encoder of `reward-model` and `preference-opt`, with limits that cut nothing either.
        let encoder = CompletionEncoder::new(&tokenizer, 80, 60).expect("valid limits");
        let row = encoder.encode(&example.prompt, &example.completion);
        assert_eq!(rows, [row.expect("encodes").example]);
        let empty = SftExample::default();
        let error = encode(&[example, empty], &tokenizer, 100).expect_err("empty");
        assert_eq!(error.to_string(), "example 1, field `prompt`: it is empty");
    }
}
