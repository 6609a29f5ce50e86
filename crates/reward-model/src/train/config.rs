//! The hyper-parameters of a reward-model run.

use serde::{Deserialize, Serialize};
use training_loop::TrainingConfig;

use crate::error::{RewardError, check};
use crate::length_limits::LengthLimits;

/// The hyper-parameters of a reward-model run.
///
/// ```
/// use reward_model::RewardTrainConfig;
///
/// let config = RewardTrainConfig::new().with_margin(0.5).with_freeze_backbone(true);
/// config.validate()?;
/// let error = config.with_margin(-1.0).validate().unwrap_err();
/// assert_eq!(error.to_string(), "`margin` is -1, allowed: at least 0");
/// # Ok::<(), reward_model::RewardError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RewardTrainConfig {
    /// See [`LengthLimits::max_length`]. Default 1024.
    pub max_length: usize,
    /// See [`LengthLimits::max_prompt_length`]. Default 512.
    pub max_prompt_length: usize,
    /// Examples or pairs in a batch. Default 8.
    pub train_batch_size: usize,
    /// m of the pairwise loss, on the scale of the reward; at least 0. Default 0.
    pub margin: f64,
    /// Train the heads only. Default false.
    pub freeze_backbone: bool,
    /// Optimizer, schedule, logging and checkpoints.
    pub training: TrainingConfig,
}

impl Default for RewardTrainConfig {
    fn default() -> Self {
        let limits = LengthLimits::default();
        Self {
            max_length: limits.max_length,
            max_prompt_length: limits.max_prompt_length,
            train_batch_size: limits.batch_size,
            margin: 0.0,
            freeze_backbone: false,
            training: TrainingConfig::default(),
        }
    }
}

impl RewardTrainConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_max_length: max_length = usize;
        with_max_prompt_length: max_prompt_length = usize;
        with_train_batch_size: train_batch_size = usize;
        with_margin: margin = f64;
        with_freeze_backbone: freeze_backbone = bool;
        with_training: training = TrainingConfig;
    }

    /// The limits for [`RewardHeads::score`](crate::RewardHeads::score) under which the heads read
    /// what they were trained on.
    pub fn limits(&self) -> LengthLimits {
        LengthLimits {
            max_length: self.max_length,
            max_prompt_length: self.max_prompt_length,
            batch_size: self.train_batch_size,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] (or, for `training`, [`RewardError::Train`]) names the first
    /// field that is out of range.
    pub fn validate(&self) -> Result<(), RewardError> {
        let size = self.train_batch_size as f64;
        check("train_batch_size", size, |v| v >= 1.0, "at least 1")?;
        self.limits().validate()?;
        let at_least_0 = |m: f64| m.is_finite() && m >= 0.0;
        check("margin", self.margin, at_least_0, "at least 0")?;
        Ok(self.training.validate()?)
    }
}
