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
/// ```
/// use burn::tensor::Device;
/// use causal_lm::{CausalLmConfig, LmTokenizer};
/// use preference_opt::{DpoConfig, train_dpo};
/// use relevance_data::PreferencePair;
/// use training_loop::{TrainerOptions, TrainingConfig};
/// # use tokenizers::{Tokenizer, models::wordlevel::WordLevel, pre_tokenizers::whitespace::Whitespace};
/// # let words = ["<eos>", "mug", "red", "fits", "fails"];
/// # let vocab = words.iter().zip(0..).map(|(word, id)| (word.to_string(), id)).collect();
/// # let inner = WordLevel::builder().vocab(vocab).unk_token("<eos>".into()).build().unwrap();
/// # let mut inner = Tokenizer::new(inner);
/// # inner.with_pre_tokenizer(Some(Whitespace {}));
/// # let tokenizer = LmTokenizer::from_tokenizer(inner, "<eos>", "<eos>")?;
///
/// let decoder = CausalLmConfig {
///     vocab_size: tokenizer.vocab_size(),
///     hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
///     num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 64,
///     ..CausalLmConfig::default()
/// };
/// let model = decoder.init(1, &Device::flex())?;
/// let pair = PreferencePair {
///     prompt: "red mug".into(), chosen: "fits".into(), rejected: "fails".into(),
///     ..PreferencePair::default()
/// };
/// let config = DpoConfig::new()
///     .with_max_length(16).with_max_prompt_length(8)
///     .with_training(TrainingConfig::new().with_learning_rate(1e-2).with_max_steps(8).with_logging_steps(1));
/// let report = train_dpo(model, &tokenizer, &[pair], &config, TrainerOptions::new())?;
/// let (first, last) = (&report.log_history[0], &report.log_history[7]);
/// assert!((first.loss - std::f64::consts::LN_2).abs() < 1e-5); // the policy is the reference
/// assert!(last.metrics["rewards/margins"] > 0.0);
/// assert!(!report.model.device().is_autodiff()); // ready for inference
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
/// reference; the loss falls on the replies' tokens only. The report's model is ready for inference.
///
/// Prompts and replies become rows as [`causal_lm::CompletionEncoder`] says. Pairs whose replies are
/// equal once cut are left out; how many, and how many were cut, is a warning of the first step.
///
/// The log holds, beside the training loop's own entries, the metrics of
/// [`PreferenceOutput::metrics`](crate::PreferenceOutput::metrics). To resume, pass the same
/// initial model: the reference is computed from it, the policy comes from the checkpoint.
///
/// # Errors
/// A configuration out of range, a `max_length` above the model's context, no pairs, a pair that cannot
/// be used, and whatever the language
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
    config.fits(model.config())?;
    check_vocabulary(&model, tokenizer)?;
    let encoded = encode_pairs(tokenizer, pairs, config)?;
    let warnings = encoded.warnings();
    let encoded = encoded.pairs;
    if encoded.is_empty() {
        let (pairs, max_length) = (pairs.len(), config.max_length);
        return Err(PreferenceError::AllPairsEqual { pairs, max_length });
    }
    let model = if model.device().is_autodiff() {
        model
    } else {
        model.train()
    };
    let device = model.device();
    let batch_size = config.train_batch_size;
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
    let sampler = if config.shuffle {
        sampler
    } else {
        sampler.sequential()
    };
    let task = PreferenceTask {
        pairs: &encoded,
        warnings,
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
