//! Domain-adaptive pre-training (METHOD, stage 1.1).

use causal_lm::{CausalLm, LmTokenizer};
use serde::{Deserialize, Serialize};
use training_loop::{TrainReport, TrainerOptions, TrainingConfig};

use crate::documents::Document;
use crate::error::TeacherError;
use crate::{lm_task, packing};

/// How a decoder is adapted to the domain's texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PretrainConfig {
    /// Tokens a row. Default 512.
    pub context_length: usize,
    /// Rows a batch. Default 8.
    pub per_device_train_batch_size: usize,
    /// The loop; default one epoch at 2e-5, cosine.
    pub training: TrainingConfig,
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            context_length: 512,
            per_device_train_batch_size: 8,
            training: TrainingConfig {
                learning_rate: 2e-5,
                num_train_epochs: 1.0,
                lr_scheduler_type: training_loop::LrSchedulerType::Cosine,
                ..TrainingConfig::default()
            },
        }
    }
}

/// Trains `model` on the next tokens of `documents`, packed into rows; see [`pack`](crate::pack).
///
/// The report's model is ready for inference. The documents' order and the batches' depend on
/// `config.training.seed`.
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
    if documents.is_empty() {
        return Err(TeacherError::Empty { what: "documents" });
    }
    let limit = model.config().max_position_embeddings;
    if config.context_length > limit {
        return Err(TeacherError::Config {
            field: "context_length",
            value: config.context_length.to_string(),
            allowed: format!("at most the model's max_position_embeddings ({limit})"),
        });
    }
    let seed = config.training.seed;
    let rows = packing::pack(documents, tokenizer, config.context_length, seed)?;
    let batch_size = config.per_device_train_batch_size;
    lm_task::train(
        model,
        tokenizer,
        &rows,
        batch_size,
        &config.training,
        options,
    )
}
