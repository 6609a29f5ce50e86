//! From preference pairs to an optimised model.

use burn::module::Module;
use causal_lm::{CausalLm, LmTokenizer};
use relevance_data::PreferencePair;
use training_loop::{BatchSampler, TrainReport, Trainer, TrainerOptions};

use crate::config::DpoConfig;
use crate::encode::encode_pairs;
use crate::error::PreferenceError;
use crate::preference_loss::PreferenceLoss;
use crate::task::{PreferenceTask, Reference, reference_log_probs};

/// Optimises `model` with DPO: [`train_preference`] with the loss that `config` describes.
///
/// # Errors
/// As [`train_preference`].
pub fn train_dpo(
    model: CausalLm,
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    config: &DpoConfig,
    options: TrainerOptions,
) -> Result<TrainReport<CausalLm>, PreferenceError> {
    train_preference(model, tokenizer, pairs, config, &config.loss(), options)
}

/// Optimises `model` on `pairs` under `loss`, with the model as it comes in for the frozen
/// reference; the loss falls on the replies' tokens only.
///
/// The log holds, beside the training loop's own entries, the metrics of
/// [`PreferenceOutput::metrics`](crate::PreferenceOutput::metrics). To resume, pass the same
/// initial model: the reference is computed from it, the policy comes from the checkpoint.
///
/// # Errors
/// A configuration out of range, no pairs, a pair that cannot be used, and whatever the language
/// model, the tokenizer or the training loop report.
pub fn train_preference<L: PreferenceLoss>(
    model: CausalLm,
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    config: &DpoConfig,
    loss: &L,
    options: TrainerOptions,
) -> Result<TrainReport<CausalLm>, PreferenceError> {
    config.validate()?;
    loss.validate()?;
    if pairs.is_empty() {
        return Err(PreferenceError::NoPairs);
    }
    check_vocabulary(&model, tokenizer)?;
    let encoded = encode_pairs(tokenizer, pairs, config)?.pairs;
    let model = if model.device().is_autodiff() {
        model
    } else {
        model.train()
    };
    let device = model.device();
    let batch_size = config.per_device_train_batch_size;
    let pad_id = tokenizer.pad_id();
    let reference = model.valid();
    let reference = if config.precompute_ref_log_probs {
        let size = config.precompute_ref_batch_size.unwrap_or(batch_size);
        let plain = device.clone().inner();
        Reference::Precomputed(reference_log_probs(
            &reference, &encoded, size, pad_id, &plain,
        )?)
    } else {
        Reference::Model(Box::new(reference))
    };
    let sampler = BatchSampler::new(encoded.len(), batch_size);
    let sampler = if config.shuffle_dataset {
        sampler
    } else {
        sampler.sequential()
    };
    let task = PreferenceTask {
        pairs: &encoded,
        reference,
        loss,
        config,
        sampler,
        pad_id,
        device,
    };
    Ok(Trainer::new(config.training.clone(), options).fit(model, &task)?)
}

/// A token that the model has no embedding for would be a panic deep in the forward pass.
fn check_vocabulary(model: &CausalLm, tokenizer: &LmTokenizer) -> Result<(), PreferenceError> {
    let (tokens, embeddings) = (tokenizer.vocab_size(), model.config().vocab_size);
    if tokens <= embeddings {
        return Ok(());
    }
    Err(PreferenceError::Vocabulary { tokens, embeddings })
}
