//! What a training run is told.

use crsd_loss::CollapseAlarm;
use serde::{Deserialize, Serialize};
use training_loop::TrainingConfig;

use super::Objective;
use crate::StudentError;

/// The settings of a training run. Unknown keys are refused.
///
/// Input lengths are the tokenizer's: `PairTokenizerConfig::max_length` and `max_reasoned_length`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StudentTrainConfig {
    /// Learning rate, schedule, epochs, seed, and so on. Defaults: 3e-5, linear after a warm-up of
    /// 10 %, 3 epochs, weight decay 0.01 but for biases and norms, clipping at 1.0.
    pub training: TrainingConfig,
    /// What is minimised.
    pub objective: Objective,
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
    /// the loss's own `align_weighting`. Only for CRSD. Off by default.
    pub weigh_by_confidence: bool,
    /// When the representations of a logged batch count as collapsed: a warning in the log from the
    /// end of λ's warm-up on. Changes nothing else.
    pub collapse_alarm: CollapseAlarm,
}

impl Default for StudentTrainConfig {
    fn default() -> Self {
        Self {
            training: TrainingConfig::default(),
            objective: Objective::default(),
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

/// Which other pairs of a batch are pushed away. What has the same key as a row is not its negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NegativePolicy {
    /// All others, a copy of the same pair included.
    All,
    /// All but copies: the same query text and item text.
    #[default]
    ExceptDuplicates,
    /// All but pairs with the same `query_key`.
    ExceptSameQuery,
    /// All but pairs with the same item text.
    ExceptSameItem,
    /// All but pairs with the same label.
    ExceptSameLabel,
}

impl StudentTrainConfig {
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
        self.training.validate()?;
        self.objective.validate()?;
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
        if self.weigh_by_confidence && !self.objective.needs_reasons() {
            let allowed = "false without an align term (objective crsd)";
            return Err(StudentError::invalid("weigh_by_confidence", true, allowed));
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
        assert_eq!(ce.objective, Objective::CrossEntropy);
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
        config.objective = Objective::Crsd(CrsdLossConfig::new().with_temperature(0.0));
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("temperature")
        );
    }
}
