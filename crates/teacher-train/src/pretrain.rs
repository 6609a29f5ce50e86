//! Domain-adaptive pre-training (METHOD, stage 1.1).

use causal_lm::{CausalLm, LmTokenizer};
use serde::{Deserialize, Serialize};
use training_loop::{LrSchedulerType, TrainReport, TrainerOptions, TrainingConfig};

use crate::documents::Document;
use crate::error::TeacherError;
use crate::{lm_task, packing};

/// How a decoder is adapted to the domain's texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PretrainConfig {
    /// Tokens a row, at most the model's `max_position_embeddings`. Default 512.
    pub context_length: usize,
    /// Rows a batch. Default 8.
    pub train_batch_size: usize,
    /// The loop; default one epoch at 2e-5, cosine.
    pub training: TrainingConfig,
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            context_length: 512,
            train_batch_size: 8,
            training: TrainingConfig::new()
                .with_learning_rate(2e-5)
                .with_num_train_epochs(1.0)
                .with_lr_scheduler_type(LrSchedulerType::Cosine),
        }
    }
}

impl PretrainConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_context_length: context_length = usize;
        with_train_batch_size: train_batch_size = usize;
        with_training: training = TrainingConfig;
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`TeacherError::InvalidConfig`] (or, for `training`, [`TeacherError::Train`]) names the first
    /// field that is out of range.
    pub fn validate(&self) -> Result<(), TeacherError> {
        if self.context_length < 2 {
            let length = self.context_length;
            return Err(TeacherError::invalid(
                "context_length",
                length,
                "at least 2",
            ));
        }
        TeacherError::positive("train_batch_size", self.train_batch_size)?;
        Ok(self.training.validate()?)
    }
}

/// Trains `model` on the next tokens of `documents`, packed into rows; see [`pack`](crate::pack).
///
/// The report's model is ready for inference. The documents' order and the batches' depend on
/// `config.training.seed`.
///
/// ```
/// use burn::tensor::Device;
/// use causal_lm::CausalLmConfig;
/// use teacher_train::{Document, PretrainConfig, pretrain, train_bpe_tokenizer};
/// use training_loop::{TrainerOptions, TrainingConfig};
///
/// let texts = ["usb cable two metres", "garden hose with brass fittings"];
/// let tokenizer = train_bpe_tokenizer(texts, 280)?;
/// let decoder = CausalLmConfig {
///     vocab_size: tokenizer.vocab_size(),
///     hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
///     num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 64,
///     ..CausalLmConfig::default()
/// };
/// let model = decoder.init(1, &Device::flex())?;
/// let training = TrainingConfig::new().with_learning_rate(1e-2).with_max_steps(10).with_logging_steps(1);
/// let config = PretrainConfig::new().with_context_length(32).with_training(training);
/// let report = pretrain(model, &tokenizer, &texts.map(Document::text), &config, TrainerOptions::new())?;
/// assert!(report.log_history[9].loss < report.log_history[0].loss);
/// assert!(!report.model.device().is_autodiff()); // ready for inference
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A configuration out of range, no documents, and whatever the decoder, the tokenizer or the
/// training loop report.
pub fn pretrain(
    model: CausalLm,
    tokenizer: &LmTokenizer,
    documents: &[Document],
    config: &PretrainConfig,
    options: TrainerOptions,
) -> Result<TrainReport<CausalLm>, TeacherError> {
    config.validate()?;
    TeacherError::within_context("context_length", config.context_length, model.config())?;
    if documents.is_empty() {
        return Err(TeacherError::Empty { what: "documents" });
    }
    let seed = config.training.seed;
    let rows = packing::pack(documents, tokenizer, config.context_length, seed)?;
    let batch_size = config.train_batch_size;
    lm_task::train(
        model,
        tokenizer,
        &rows,
        batch_size,
        &config.training,
        options,
    )
}
