//! Evaluations during a run: the best one so far, and when to stop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::TrainingConfig;
use crate::log::ExactF64;

/// What `transformers` puts before the names of an evaluation's metrics.
const PREFIX: &str = "eval_";

/// One evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalEntry {
    /// Optimizer steps done.
    pub step: usize,
    /// Epochs done, as a fraction.
    pub epoch: f64,
    /// The task's metrics, named `eval_...`; those that are not finite are left out.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
}

/// The best model of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct BestModel {
    /// Optimizer steps after which it was evaluated.
    pub step: usize,
    /// The metric, named `eval_...`.
    pub metric: String,
    /// Its value.
    pub value: f64,
}

/// All evaluations of a run. Part of a checkpoint, so that a resumed run stops where the whole one
/// would have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Evaluations {
    pub(crate) history: Vec<EvalEntry>,
    best: Option<(usize, ExactF64)>,
    without_improvement: usize,
    /// Whether patience has run out.
    pub(crate) stopped: bool,
}

/// Which metric is watched, and how.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    metric: String,
    greater_is_better: bool,
    patience: Option<usize>,
    threshold: f64,
}

impl Watch {
    pub(crate) fn new(config: &TrainingConfig) -> Option<Self> {
        let name = config.metric_for_best_model.as_deref()?;
        let metric = prefixed(name);
        Some(Self {
            greater_is_better: config
                .greater_is_better
                .unwrap_or(!metric.ends_with("loss")),
            metric,
            patience: config.early_stopping_patience,
            threshold: config.early_stopping_threshold,
        })
    }

    /// How much better `value` is than `than`.
    fn gain(&self, value: f64, than: f64) -> f64 {
        if self.greater_is_better {
            value - than
        } else {
            than - value
        }
    }
}

fn prefixed(name: &str) -> String {
    if name.starts_with(PREFIX) {
        name.to_owned()
    } else {
        format!("{PREFIX}{name}")
    }
}

impl Evaluations {
    pub(crate) fn best(&self, watch: &Watch) -> Option<BestModel> {
        let (step, value) = self.best?;
        Some(BestModel {
            step,
            metric: watch.metric.clone(),
            value: value.get(),
        })
    }

    /// Takes over the best model found on disk.
    pub(crate) fn adopt(&mut self, best: &BestModel) {
        self.best = Some((best.step, ExactF64::new(best.value)));
    }

    /// Whether the metrics of step `step` were the best so far, or what they lack.
    pub(crate) fn add(
        &mut self,
        step: usize,
        epoch: f64,
        metrics: BTreeMap<String, f64>,
        watch: Option<&Watch>,
    ) -> Result<bool, String> {
        let metrics: BTreeMap<String, f64> = metrics
            .into_iter()
            .filter(|(_, value)| value.is_finite())
            .map(|(name, value)| (prefixed(&name), value))
            .collect();
        let watched = watch
            .map(|watch| match metrics.get(&watch.metric) {
                Some(&value) => Ok((watch, value)),
                None => Err(format!(
                    "no finite metric `{}`; there are: {}",
                    watch.metric,
                    metrics.keys().cloned().collect::<Vec<_>>().join(", ")
                )),
            })
            .transpose()?;
        self.history.push(EvalEntry {
            step,
            epoch,
            metrics,
        });
        Ok(watched.is_some_and(|(watch, value)| self.compare(step, value, watch)))
    }

    fn compare(&mut self, step: usize, value: f64, watch: &Watch) -> bool {
        let gain = self
            .best
            .map_or(f64::INFINITY, |(_, best)| watch.gain(value, best.get()));
        // As `transformers.EarlyStoppingCallback`: better, and by more than the threshold.
        if gain > 0.0 && gain > watch.threshold {
            self.without_improvement = 0;
        } else {
            self.without_improvement += 1;
        }
        self.stopped = watch
            .patience
            .is_some_and(|patience| self.without_improvement >= patience);
        if gain > 0.0 {
            self.best = Some((step, ExactF64::new(value)));
        }
        gain > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(metric: &str, threshold: f64) -> Watch {
        let config = TrainingConfig {
            metric_for_best_model: Some(metric.into()),
            early_stopping_patience: Some(2),
            early_stopping_threshold: threshold,
            ..TrainingConfig::default()
        };
        Watch::new(&config).unwrap()
    }

    /// Which of `values` were the best so far, and after which of them the run stops.
    fn follow(values: &[f64], watch: &Watch) -> (Vec<bool>, Option<usize>) {
        let mut evaluations = Evaluations::default();
        let mut best = Vec::new();
        for (step, &value) in values.iter().enumerate() {
            let name = watch.metric.trim_start_matches(PREFIX).to_owned();
            let metrics = BTreeMap::from([(name, value)]);
            best.push(evaluations.add(step, 0.0, metrics, Some(watch)).unwrap());
            if evaluations.stopped {
                return (best, Some(step));
            }
        }
        (best, None)
    }

    #[test]
    fn a_loss_shall_fall_and_a_score_rise() {
        let (best, stopped) = follow(&[3.0, 2.0, 2.5, 1.0, 1.0, 1.5], &watch("loss", 0.0));
        assert_eq!(best, [true, true, false, true, false, false]);
        assert_eq!(stopped, Some(5));
        let (best, stopped) = follow(&[0.1, 0.2, 0.2, 0.3], &watch("macro_f1", 0.0));
        assert_eq!(best, [true, true, false, true]);
        assert_eq!(stopped, None);
    }

    #[test]
    fn a_small_gain_is_the_best_but_does_not_renew_patience() {
        let (best, stopped) = follow(&[0.1, 0.15, 0.18], &watch("eval_accuracy", 0.1));
        assert_eq!(best, [true, true, true]);
        assert_eq!(stopped, Some(2));
    }

    #[test]
    fn a_missing_or_undefined_metric_is_named() {
        let metrics = BTreeMap::from([("loss".to_owned(), 1.0), ("f1".to_owned(), f64::NAN)]);
        let watch = watch("f1", 0.0);
        let error = Evaluations::default().add(1, 0.0, metrics, Some(&watch));
        assert_eq!(
            error.unwrap_err(),
            "no finite metric `eval_f1`; there are: eval_loss"
        );
    }
}
