//! The hyper-parameters of a preference run.

use causal_lm::{CausalLmConfig, CompletionEncoder, LmTokenizer};
use serde::{Deserialize, Serialize};
use training_loop::TrainingConfig;

use crate::dpo_loss::DpoLoss;
use crate::error::{PreferenceError, check};
use crate::preference_loss::PreferenceLoss;

/// The hyper-parameters of a DPO run.
///
/// `beta`, `max_length`, `precompute_ref_log_probs` and `precompute_ref_batch_size` are those of TRL
/// 1.16's `DPOConfig`; the other fields are ours, and say so. `beta`, `label_smoothing` and
/// `nll_weight` make the [`DpoLoss`]; a run with another loss does not read them.
///
/// ```
/// use preference_opt::DpoConfig;
///
/// let config = DpoConfig::new().with_beta(0.2).with_nll_weight(1.0).with_max_length(640);
/// config.validate()?;
/// let json = r#"{"beta": 0.2, "nll_weight": 1.0, "max_length": 640}"#;
/// assert_eq!(serde_json::from_str::<DpoConfig>(json).unwrap(), config);
/// let error = config.with_beta(0.0).validate().unwrap_err();
/// assert_eq!(error.to_string(), "`beta` is 0, allowed: above 0");
/// # Ok::<(), preference_opt::PreferenceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DpoConfig {
    /// See [`DpoLoss::beta`]. Default 0.1.
    pub beta: f64,
    /// Ours for this loss (TRL's `sigmoid` loss smooths nothing): see [`DpoLoss::label_smoothing`].
    /// Default 0.
    pub label_smoothing: f64,
    /// Ours: see [`DpoLoss::nll_weight`]. Default 0.
    pub nll_weight: f64,
    /// Most tokens of prompt and reply together, at most the model's `max_position_embeddings`; the
    /// reply's end is cut, as by TRL's `keep_start`. Default 1024.
    pub max_length: usize,
    /// Ours: most tokens of the prompt, whose beginning is cut; below `max_length`. (TRL 1.16 drops a
    /// pair whose prompt fills `max_length`.) Default 512.
    pub max_prompt_length: usize,
    /// Pairs in a batch; each is two sequences. Default 8.
    pub train_batch_size: usize,
    /// Ours: draw the pairs in a new order each epoch. Default true.
    pub shuffle: bool,
    /// Compute the reference's log-probabilities once, before training, instead of keeping a
    /// frozen copy of the model and running it on every batch. Default true.
    pub precompute_ref_log_probs: bool,
    /// Pairs in a batch while these are computed; none takes `train_batch_size`.
    pub precompute_ref_batch_size: Option<usize>,
    /// Optimizer, schedule, logging and checkpoints. Default: as
    /// [`TrainingConfig`], but with TRL's learning rate of 1e-6 and without weight decay.
    pub training: TrainingConfig,
}

impl Default for DpoConfig {
    fn default() -> Self {
        let DpoLoss {
            beta,
            label_smoothing,
            nll_weight,
        } = DpoLoss::default();
        Self {
            beta,
            label_smoothing,
            nll_weight,
            max_length: 1024,
            max_prompt_length: 512,
            train_batch_size: 8,
            shuffle: true,
            precompute_ref_log_probs: true,
            precompute_ref_batch_size: None,
            training: TrainingConfig::new()
                .with_learning_rate(1e-6)
                .with_weight_decay(0.0),
        }
    }
}

impl DpoConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_beta: beta = f64;
        with_label_smoothing: label_smoothing = f64;
        with_nll_weight: nll_weight = f64;
        with_max_length: max_length = usize;
        with_max_prompt_length: max_prompt_length = usize;
        with_train_batch_size: train_batch_size = usize;
        with_shuffle: shuffle = bool;
        with_precompute_ref_log_probs: precompute_ref_log_probs = bool;
        with_precompute_ref_batch_size: precompute_ref_batch_size = into Option<usize>;
        with_training: training = TrainingConfig;
    }

    /// The loss that the fields `beta`, `label_smoothing` and `nll_weight` describe.
    pub fn loss(&self) -> DpoLoss {
        DpoLoss {
            beta: self.beta,
            label_smoothing: self.label_smoothing,
            nll_weight: self.nll_weight,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`PreferenceError::InvalidConfig`] (or, for `training`, [`PreferenceError::Train`]) names the
    /// first field that is out of range.
    pub fn validate(&self) -> Result<(), PreferenceError> {
        self.loss().validate()?;
        let positive = |field, value: Option<usize>| {
            let value = value.unwrap_or(1) as f64;
            check(field, value, |v| v >= 1.0, "at least 1")
        };
        positive("max_prompt_length", Some(self.max_prompt_length))?;
        let room = |length: f64| length > self.max_prompt_length as f64;
        let allowed = format!("above `max_prompt_length` ({})", self.max_prompt_length);
        check("max_length", self.max_length as f64, room, &allowed)?;
        positive("train_batch_size", Some(self.train_batch_size))?;
        positive("precompute_ref_batch_size", self.precompute_ref_batch_size)?;
        Ok(self.training.validate()?)
    }

    /// Checks what depends on the model: a row that is longer than its context would be computed with
    /// positions that it has never seen.
    pub(crate) fn fits(&self, model: &CausalLmConfig) -> Result<(), PreferenceError> {
        let context = model.max_position_embeddings;
        let allowed = format!("at most {context}, the model's `max_position_embeddings`");
        let within = |length: f64| length <= context as f64;
        check("max_length", self.max_length as f64, within, &allowed)
    }

    /// Prompts and replies as rows within the limits.
    pub(crate) fn encoder<'a>(
        &self,
        tokenizer: &'a LmTokenizer,
    ) -> Result<CompletionEncoder<'a>, PreferenceError> {
        let (length, prompt) = (self.max_length, self.max_prompt_length);
        Ok(CompletionEncoder::new(tokenizer, length, prompt)?)
    }
}
