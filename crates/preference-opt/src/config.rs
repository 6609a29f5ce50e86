//! The hyper-parameters of a preference run, under TRL's names.

use serde::{Deserialize, Serialize};
use training_loop::TrainingConfig;

use crate::dpo_loss::DpoLoss;
use crate::error::{PreferenceError, check};
use crate::preference_loss::PreferenceLoss;

/// The hyper-parameters of a DPO run, under the names of TRL's `DPOConfig`.
///
/// `beta`, `label_smoothing` and `rpo_alpha` make the [`DpoLoss`]; a run with another loss does not
/// read them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DpoConfig {
    /// See [`DpoLoss::beta`]. Default 0.1.
    pub beta: f64,
    /// See [`DpoLoss::label_smoothing`]. Default 0.
    pub label_smoothing: f64,
    /// See [`DpoLoss::rpo_alpha`]. Default none.
    pub rpo_alpha: Option<f64>,
    /// Most tokens of prompt and reply together; the reply's end is cut. Default 1024.
    pub max_length: usize,
    /// Most tokens of the prompt, whose beginning is cut; below `max_length`. Default 512.
    pub max_prompt_length: usize,
    /// Pairs in a batch; each is two sequences. Default 8.
    pub per_device_train_batch_size: usize,
    /// Draw the pairs in a new order each epoch. Default true.
    pub shuffle_dataset: bool,
    /// Compute the reference's log-probabilities once, before training, instead of keeping a
    /// frozen copy of the model and running it on every batch. Default true.
    pub precompute_ref_log_probs: bool,
    /// Pairs in a batch while these are computed; none takes `per_device_train_batch_size`.
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
            rpo_alpha,
        } = DpoLoss::default();
        Self {
            beta,
            label_smoothing,
            rpo_alpha,
            max_length: 1024,
            max_prompt_length: 512,
            per_device_train_batch_size: 8,
            shuffle_dataset: true,
            precompute_ref_log_probs: true,
            precompute_ref_batch_size: None,
            training: TrainingConfig {
                learning_rate: 1e-6,
                weight_decay: 0.0,
                ..TrainingConfig::default()
            },
        }
    }
}

impl DpoConfig {
    /// The loss that the fields `beta`, `label_smoothing` and `rpo_alpha` describe.
    pub fn loss(&self) -> DpoLoss {
        DpoLoss {
            beta: self.beta,
            label_smoothing: self.label_smoothing,
            rpo_alpha: self.rpo_alpha,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`PreferenceError::Config`] (or, for `training`, [`PreferenceError::Train`]) names the first
    /// field that is out of range.
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
        let batch = self.per_device_train_batch_size;
        positive("per_device_train_batch_size", Some(batch))?;
        positive("precompute_ref_batch_size", self.precompute_ref_batch_size)?;
        Ok(self.training.validate()?)
    }
}
