//! The hyper-parameters of a run, under the names of Hugging Face's `TrainingArguments`.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::schedule::LrSchedulerType;

/// The hyper-parameters of one training run.
///
/// Names and meanings are those of Hugging Face's `TrainingArguments`; the defaults are BERT's
/// (Devlin et al., 1810.04805, appendix A.2), not burn's.
///
/// ```
/// use training_loop::TrainingConfig;
///
/// let config = TrainingConfig::new().with_learning_rate(2e-5).with_max_steps(100);
/// config.validate()?;
/// let json = r#"{"learning_rate": 2e-5, "max_steps": 100}"#;
/// assert_eq!(serde_json::from_str::<TrainingConfig>(json).unwrap(), config);
/// let error = config.with_adam_beta1(1.0).validate().unwrap_err();
/// assert_eq!(error.to_string(), "`adam_beta1` is 1, allowed: in [0, 1)");
/// # Ok::<(), training_loop::TrainError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TrainingConfig {
    /// Peak learning rate, reached at the end of the warm-up. Default 3e-5.
    pub learning_rate: f64,
    /// Decoupled weight decay of matrices and embeddings; biases and norms (parameters of rank 1)
    /// have none. Default 0.01.
    pub weight_decay: f64,
    /// Decay rate of AdamW's first moment. Default 0.9.
    pub adam_beta1: f64,
    /// Decay rate of AdamW's second moment. Default 0.999.
    pub adam_beta2: f64,
    /// AdamW's epsilon, added to the square root of the corrected second moment. Default 1e-8.
    pub adam_epsilon: f64,
    /// Shape of the schedule after the warm-up. Default linear.
    pub lr_scheduler_type: LrSchedulerType,
    /// Fraction of all optimizer steps spent warming up, rounded up. Ignored if `warmup_steps` is
    /// above zero. Default 0.1.
    pub warmup_ratio: f64,
    /// Optimizer steps spent warming up; 0 leaves it to `warmup_ratio`. Default 0.
    pub warmup_steps: usize,
    /// Largest L2 norm of the whole gradient; 0 switches clipping off. Default 1.0.
    pub max_grad_norm: f64,
    /// Batches whose gradients are averaged for one optimizer step. Default 1.
    pub gradient_accumulation_steps: usize,
    /// Passes over the task's batches; a fraction is allowed. Default 3.
    pub num_train_epochs: f64,
    /// Optimizer steps in all; overrides `num_train_epochs`. Default none.
    pub max_steps: Option<usize>,
    /// Optimizer steps between two checkpoints; the last step is saved as well. Default none:
    /// only an interrupt saves.
    pub save_steps: Option<usize>,
    /// Checkpoints kept, the latest ones; none keeps all. Default 2.
    pub save_total_limit: Option<usize>,
    /// Optimizer steps between two entries of the log. Default 10.
    pub logging_steps: usize,
    /// Optimizer steps between two evaluations ([`TrainTask::evaluate`](crate::TrainTask::evaluate));
    /// the last step is evaluated as well. Default none.
    pub eval_steps: Option<usize>,
    /// The evaluation's metric by which models are compared, with or without the prefix `eval_`.
    /// Given, the best model so far is kept. Default none.
    pub metric_for_best_model: Option<String>,
    /// Whether a higher metric is better. Default: unless its name ends in `loss`.
    pub greater_is_better: Option<bool>,
    /// Whether the run gives the best model instead of the last one. Default no.
    pub load_best_model_at_end: bool,
    /// Evaluations without a better metric after which the run ends early. Default none: never.
    pub early_stopping_patience: Option<usize>,
    /// By how much a metric must be better to count for `early_stopping_patience`. Default 0.
    pub early_stopping_threshold: f64,
    /// Seed of the batch order and of dropout. Default 42.
    pub seed: u64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            learning_rate: 3e-5,
            weight_decay: 0.01,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            lr_scheduler_type: LrSchedulerType::Linear,
            warmup_ratio: 0.1,
            warmup_steps: 0,
            max_grad_norm: 1.0,
            gradient_accumulation_steps: 1,
            num_train_epochs: 3.0,
            max_steps: None,
            save_steps: None,
            save_total_limit: Some(2),
            logging_steps: 10,
            eval_steps: None,
            metric_for_best_model: None,
            greater_is_better: None,
            load_best_model_at_end: false,
            early_stopping_patience: None,
            early_stopping_threshold: 0.0,
            seed: 42,
        }
    }
}

impl TrainingConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    crate::setters! {
        with_learning_rate: learning_rate = f64;
        with_weight_decay: weight_decay = f64;
        with_adam_beta1: adam_beta1 = f64;
        with_adam_beta2: adam_beta2 = f64;
        with_adam_epsilon: adam_epsilon = f64;
        with_lr_scheduler_type: lr_scheduler_type = LrSchedulerType;
        with_warmup_ratio: warmup_ratio = f64;
        with_warmup_steps: warmup_steps = usize;
        with_max_grad_norm: max_grad_norm = f64;
        with_gradient_accumulation_steps: gradient_accumulation_steps = usize;
        with_num_train_epochs: num_train_epochs = f64;
        with_max_steps: max_steps = into Option<usize>;
        with_save_steps: save_steps = into Option<usize>;
        with_save_total_limit: save_total_limit = into Option<usize>;
        with_logging_steps: logging_steps = usize;
        with_eval_steps: eval_steps = into Option<usize>;
        with_greater_is_better: greater_is_better = into Option<bool>;
        with_load_best_model_at_end: load_best_model_at_end = bool;
        with_early_stopping_patience: early_stopping_patience = into Option<usize>;
        with_early_stopping_threshold: early_stopping_threshold = f64;
        with_seed: seed = u64;
    }

    /// Sets [`metric_for_best_model`](Self::metric_for_best_model).
    #[must_use]
    pub fn with_metric_for_best_model(mut self, metric: impl Into<String>) -> Self {
        self.metric_for_best_model = Some(metric.into());
        self
    }

    /// Fields that may change between a checkpoint and the run that resumes from it, because they
    /// do not change what is computed.
    pub(crate) const FREE_TO_CHANGE: [&'static str; 3] =
        ["save_steps", "save_total_limit", "logging_steps"];

    /// Checks every field.
    ///
    /// # Errors
    /// [`TrainError::InvalidConfig`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let at_least_0 = |v: f64| v.is_finite() && v >= 0.0;
        let above_0 = |v: f64| v.is_finite() && v > 0.0;
        let beta = |v: f64| (0.0..1.0).contains(&v);
        check("learning_rate", self.learning_rate, above_0, "above 0")?;
        check("weight_decay", self.weight_decay, at_least_0, "at least 0")?;
        check("adam_beta1", self.adam_beta1, beta, "in [0, 1)")?;
        check("adam_beta2", self.adam_beta2, beta, "in [0, 1)")?;
        // f32 arithmetic: a smaller epsilon would round to zero.
        let epsilon = |v: f64| v.is_finite() && v >= f64::from(f32::MIN_POSITIVE);
        check(
            "adam_epsilon",
            self.adam_epsilon,
            epsilon,
            "at least 1.2e-38",
        )?;
        let ratio = |v: f64| (0.0..=1.0).contains(&v);
        check("warmup_ratio", self.warmup_ratio, ratio, "in [0, 1]")?;
        check(
            "max_grad_norm",
            self.max_grad_norm,
            at_least_0,
            "at least 0 (0 is off)",
        )?;
        check(
            "num_train_epochs",
            self.num_train_epochs,
            above_0,
            "above 0",
        )?;
        positive(
            "gradient_accumulation_steps",
            Some(self.gradient_accumulation_steps),
        )?;
        positive("logging_steps", Some(self.logging_steps))?;
        positive("max_steps", self.max_steps)?;
        positive("save_steps", self.save_steps)?;
        positive("save_total_limit", self.save_total_limit)?;
        positive("eval_steps", self.eval_steps)?;
        positive("early_stopping_patience", self.early_stopping_patience)?;
        check(
            "early_stopping_threshold",
            self.early_stopping_threshold,
            at_least_0,
            "at least 0",
        )?;
        self.validate_best_model()
    }

    /// Comparing models needs evaluations and a metric.
    fn validate_best_model(&self) -> Result<(), TrainError> {
        let compares = self.load_best_model_at_end || self.early_stopping_patience.is_some();
        let needs = |field, allowed| Err(TrainError::invalid(field, "absent", allowed));
        if compares && self.metric_for_best_model.is_none() {
            let allowed = "given with load_best_model_at_end or early_stopping_patience";
            return needs("metric_for_best_model", allowed);
        }
        if self.metric_for_best_model.is_some() && self.eval_steps.is_none() {
            return needs("eval_steps", "given with metric_for_best_model");
        }
        Ok(())
    }
}

fn check(
    field: &'static str,
    value: f64,
    holds: impl Fn(f64) -> bool,
    allowed: &'static str,
) -> Result<(), TrainError> {
    if holds(value) {
        return Ok(());
    }
    Err(TrainError::invalid(field, value, allowed))
}

fn positive(field: &'static str, value: Option<usize>) -> Result<(), TrainError> {
    match value {
        Some(0) => Err(TrainError::invalid(field, 0, "at least 1")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        TrainingConfig::default().validate().unwrap();
    }

    #[test]
    fn each_bad_field_is_named() {
        let base = TrainingConfig::default;
        let cases = [
            (
                "learning_rate",
                TrainingConfig {
                    learning_rate: f64::NAN,
                    ..base()
                },
            ),
            (
                "weight_decay",
                TrainingConfig {
                    weight_decay: -0.1,
                    ..base()
                },
            ),
            (
                "adam_beta1",
                TrainingConfig {
                    adam_beta1: 1.0,
                    ..base()
                },
            ),
            (
                "adam_beta2",
                TrainingConfig {
                    adam_beta2: -0.1,
                    ..base()
                },
            ),
            (
                "adam_epsilon",
                TrainingConfig {
                    adam_epsilon: 0.0,
                    ..base()
                },
            ),
            (
                "warmup_ratio",
                TrainingConfig {
                    warmup_ratio: 1.1,
                    ..base()
                },
            ),
            (
                "max_grad_norm",
                TrainingConfig {
                    max_grad_norm: -1.0,
                    ..base()
                },
            ),
            (
                "num_train_epochs",
                TrainingConfig {
                    num_train_epochs: 0.0,
                    ..base()
                },
            ),
            (
                "gradient_accumulation_steps",
                TrainingConfig {
                    gradient_accumulation_steps: 0,
                    ..base()
                },
            ),
            (
                "logging_steps",
                TrainingConfig {
                    logging_steps: 0,
                    ..base()
                },
            ),
            (
                "max_steps",
                TrainingConfig {
                    max_steps: Some(0),
                    ..base()
                },
            ),
            (
                "save_steps",
                TrainingConfig {
                    save_steps: Some(0),
                    ..base()
                },
            ),
            (
                "save_total_limit",
                TrainingConfig {
                    save_total_limit: Some(0),
                    ..base()
                },
            ),
            (
                "eval_steps",
                TrainingConfig {
                    eval_steps: Some(0),
                    ..base()
                },
            ),
            (
                "metric_for_best_model",
                TrainingConfig {
                    eval_steps: Some(1),
                    load_best_model_at_end: true,
                    ..base()
                },
            ),
            (
                "eval_steps",
                TrainingConfig {
                    metric_for_best_model: Some("loss".into()),
                    ..base()
                },
            ),
            (
                "early_stopping_threshold",
                TrainingConfig {
                    early_stopping_threshold: -1.0,
                    ..base()
                },
            ),
        ];
        for (name, config) in cases {
            match config.validate() {
                Err(TrainError::InvalidConfig { field, .. }) => assert_eq!(field, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = serde_json::from_str::<TrainingConfig>(r#"{"lr": 1.0}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `lr`"), "{error}");
    }
}
