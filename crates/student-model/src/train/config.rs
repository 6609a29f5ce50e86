//! What a training run is told.

use crsd_loss::CollapseAlarm;
use serde::{Deserialize, Serialize};
use training_loop::TrainingConfig;

use super::example_check::Reads;
use super::{NegativePolicy, ObjectiveConfig};
use crate::StudentError;

/// The settings of a training run. Unknown keys are refused.
///
/// Input lengths are the tokenizer's: `PairTokenizerConfig::max_length` and `max_reasoned_length`.
///
/// ```
/// use student_model::{NegativePolicy, ObjectiveConfig, StudentTrainConfig};
///
/// let config = StudentTrainConfig::new()
///     .with_train_batch_size(256)
///     .with_grad_cache_chunk_size(32)
///     .with_negatives(NegativePolicy::ExceptSameQuery);
/// config.validate()?;
/// let same: StudentTrainConfig = serde_json::from_str(
///     r#"{"train_batch_size": 256, "grad_cache_chunk_size": 32, "negatives": "except_same_query"}"#,
/// ).unwrap();
/// assert_eq!(same, config);
/// let error = config.with_train_batch_size(0).validate().unwrap_err();
/// assert_eq!(error.to_string(), "`train_batch_size` is 0, allowed: at least 1");
/// # Ok::<(), student_model::StudentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct StudentTrainConfig {
    /// Learning rate, schedule, epochs, seed, and so on. Defaults: 3e-5, linear after a warm-up of
    /// 10 %, 3 epochs, weight decay 0.01 but for biases and norms, clipping at 1.0.
    pub training: TrainingConfig,
    /// What is minimised. Not read where the trainer is given an objective of one's own
    /// ([`StudentTrainer::with_objective`](super::StudentTrainer::with_objective)).
    pub objective: ObjectiveConfig,
    /// Pairs in a batch, and so rows of the CRSD similarity matrix. The default, 32, fits a machine
    /// without an accelerator; 256 is the method's. Accumulated batches do not share negatives.
    pub train_batch_size: usize,
    /// Rows of one view that are encoded at once; memory grows with it, not with the batch
    /// ([`crsd_loss::GradCache`]). The gradients are those of the whole batch; the price is one more
    /// forward pass. Each view is cut by itself, into rows of like length. Default none: the whole
    /// batch at once.
    pub grad_cache_chunk_size: Option<usize>,
    /// Whether a batch holds pairs of like length, so that little is padded. On by default.
    pub group_by_length: bool,
    /// Rows of one view that share a padded width: within a batch each view is put in the order of
    /// its own lengths and cut into buckets of this size. Default 64; none pads each view of a batch
    /// to its longest row, which batches of at most this size do anyway. With
    /// `grad_cache_chunk_size` its chunks are the buckets.
    pub length_bucket_size: Option<usize>,
    /// Which other pairs of the batch CRSD pushes away.
    pub negatives: NegativePolicy,
    /// Whether each pair's align term counts by its
    /// [`teacher_confidence`](super::StudentExample::teacher_confidence): λ per example, together with
    /// the loss's own `align_weighting`. Only for CRSD, and for objectives of one's own that read the
    /// weights. Off by default.
    pub weigh_by_confidence: bool,
    /// When the representations of a logged batch count as collapsed: a warning in the log from the
    /// end of λ's warm-up on. Changes nothing else.
    pub collapse_alarm: CollapseAlarm,
}

impl Default for StudentTrainConfig {
    fn default() -> Self {
        Self {
            training: TrainingConfig::default(),
            objective: ObjectiveConfig::default(),
            train_batch_size: 32,
            grad_cache_chunk_size: None,
            group_by_length: true,
            length_bucket_size: Some(64),
            negatives: NegativePolicy::default(),
            weigh_by_confidence: false,
            collapse_alarm: CollapseAlarm::default(),
        }
    }
}

impl StudentTrainConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_training: training = TrainingConfig;
        with_objective: objective = ObjectiveConfig;
        with_train_batch_size: train_batch_size = usize;
        with_grad_cache_chunk_size: grad_cache_chunk_size = into Option<usize>;
        with_group_by_length: group_by_length = bool;
        with_length_bucket_size: length_bucket_size = into Option<usize>;
        with_negatives: negatives = NegativePolicy;
        with_weigh_by_confidence: weigh_by_confidence = bool;
        with_collapse_alarm: collapse_alarm = CollapseAlarm;
    }

    /// Rows of one view that are padded together; `None`: all of a batch.
    pub(super) fn bucket_size(&self) -> Option<usize> {
        let size = self.grad_cache_chunk_size.or(self.length_bucket_size);
        size.filter(|size| *size < self.train_batch_size)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`], [`StudentError::Loss`] or [`StudentError::Train`] names the
    /// field, its value and what is allowed.
    pub fn validate(&self) -> Result<(), StudentError> {
        Reads::new(&*self.objective.init()?, self)?;
        self.validate_run()
    }

    /// Checks every value but those of the objective.
    pub(super) fn validate_run(&self) -> Result<(), StudentError> {
        self.training.validate()?;
        self.collapse_alarm.validate()?;
        if self.train_batch_size == 0 {
            return Err(StudentError::invalid("train_batch_size", 0, "at least 1"));
        }
        for (key, size) in [
            ("grad_cache_chunk_size", self.grad_cache_chunk_size),
            ("length_bucket_size", self.length_bucket_size),
        ] {
            if size == Some(0) {
                return Err(StudentError::invalid(key, 0, "at least 1, or absent"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crsd_loss::CrsdLossConfig;

    #[test]
    fn json_round_trips_and_unknown_keys_are_refused() {
        let config = StudentTrainConfig::default();
        config.validate().unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<StudentTrainConfig>(&text).unwrap(),
            config
        );
        let ce: StudentTrainConfig =
            serde_json::from_str(r#"{"objective": "cross_entropy"}"#).unwrap();
        assert_eq!(ce.objective, ObjectiveConfig::CrossEntropy);
        let refused = |text| {
            serde_json::from_str::<StudentTrainConfig>(text)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(r#"{"batch": 3}"#).contains("unknown field `batch`"));
        assert!(refused(r#"{"objective": {"crsd": {"tau": 1}}}"#).contains("unknown field `tau`"));
    }

    #[test]
    fn bad_values_are_named() {
        let mut config = StudentTrainConfig {
            train_batch_size: 0,
            ..Default::default()
        };
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "`train_batch_size` is 0, allowed: at least 1");
        config.train_batch_size = 1;
        config.grad_cache_chunk_size = Some(0);
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(
            error,
            "`grad_cache_chunk_size` is 0, allowed: at least 1, or absent"
        );
        config.grad_cache_chunk_size = None;
        config.objective = ObjectiveConfig::Crsd(CrsdLossConfig::new().with_temperature(0.0));
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("temperature")
        );
    }
}
