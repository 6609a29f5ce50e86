//! What the training of a student on annotations is told.

use serde::{Deserialize, Serialize};
use student_model::StudentTrainConfig;

use crate::error::DistillError;
use crate::pretrained::lengths;
use crate::student_examples::StudentLabels;

/// Every knob of a student's training on annotations.
///
/// ```
/// use relevance_distill::distill::DistillConfig;
///
/// let mut config = DistillConfig::default();
/// config.dev_fraction = 1.0;
/// let error = config.validate().unwrap_err().to_string();
/// assert_eq!(error, "`dev_fraction` is 1, allowed: at least 0 and below 1");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistillConfig {
    /// Labels to learn from. Default the teacher's, as in the paper.
    pub labels: StudentLabels,
    /// Layers of the encoder to keep; all if empty.
    pub layers: Vec<usize>,
    /// Tokens of the plain view at most. Default 128.
    pub max_length: usize,
    /// Tokens of the reasoned view at most. Default 320.
    pub max_reasoned_length: usize,
    /// Share of the queries that is held out, to keep the best model; 0 for none. Default 0.1.
    pub dev_fraction: f64,
    /// What the best model is best in: `macro_f1`, `accuracy`, `ndcg@10` or `loss`, on the held-out
    /// queries. Default `macro_f1`.
    pub metric: String,
    /// Evaluations without a better model after which training ends. Default none: it runs to its end.
    pub patience: Option<usize>,
    /// Objective, batches and the loop. Of the loop, `eval_steps`, `save_steps` and what goes with the best
    /// model are set by the data: twice an epoch.
    pub student: StudentTrainConfig,
}

impl Default for DistillConfig {
    fn default() -> Self {
        Self {
            labels: StudentLabels::Teacher,
            layers: Vec::new(),
            max_length: 128,
            max_reasoned_length: 320,
            dev_fraction: 0.1,
            metric: METRICS[0].to_owned(),
            patience: None,
            student: StudentTrainConfig::default(),
        }
    }
}

/// What a model can be best in.
pub const METRICS: [&str; 4] = ["macro_f1", "accuracy", "ndcg@10", "loss"];

impl DistillConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`], or the student's own error, names the setting.
    pub fn validate(&self) -> Result<(), DistillError> {
        if !(self.dev_fraction >= 0.0 && self.dev_fraction < 1.0) {
            let allowed = "at least 0 and below 1";
            return Err(DistillError::invalid(
                "dev_fraction",
                self.dev_fraction,
                allowed,
            ));
        }
        if !METRICS.contains(&self.metric.as_str()) {
            let value = format!("`{}`", self.metric);
            return Err(DistillError::invalid("metric", value, METRICS.join(", ")));
        }
        if self.patience == Some(0) {
            return Err(DistillError::invalid(
                "patience",
                0,
                "at least 1, or absent",
            ));
        }
        lengths(self.max_length, self.max_reasoned_length).validate()?;
        Ok(self.student.validate()?)
    }

    /// The student's training on `pairs` examples, with a look at held-out ones if there are any.
    pub(super) fn train_config(&self, pairs: usize, evaluates: bool) -> StudentTrainConfig {
        let steps_per_epoch = pairs.div_ceil(self.student.train_batch_size.max(1));
        let half = (steps_per_epoch / 2).max(1);
        let evaluates = evaluates.then_some(half);
        let mut config = self.student.clone();
        let training = &mut config.training;
        training.save_steps = Some(half);
        training.eval_steps = evaluates;
        training.metric_for_best_model = evaluates.map(|_| self.metric.clone());
        training.load_best_model_at_end = evaluates.is_some();
        training.early_stopping_patience = self.patience.filter(|_| evaluates.is_some());
        config
    }
}
