//! Learning-rate schedules, equal to `transformers.get_*_schedule_with_warmup`.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The shape of the learning rate over the run, under Hugging Face's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LrSchedulerType {
    /// Warm-up, then a straight line to zero (`get_linear_schedule_with_warmup`).
    #[default]
    Linear,
    /// Warm-up, then half a cosine to zero (`get_cosine_schedule_with_warmup`).
    Cosine,
    /// The peak rate throughout, without a warm-up (`get_constant_schedule`).
    Constant,
    /// Warm-up, then the peak rate (`get_constant_schedule_with_warmup`).
    ConstantWithWarmup,
}

/// A learning rate for every optimizer step of a run: a pure function of the step, so a resumed
/// run needs no scheduler state.
///
/// With `s` the step, `w` the steps of warm-up and `n` all steps, the peak is multiplied by `s / w`
/// while `s < w`; then by `(n − s) / (n − w)` (linear), by `½ (1 + cos(π (s − w) / (n − w)))` (cosine)
/// or by 1.
///
/// ```
/// use training_loop::{LrSchedule, LrSchedulerType};
///
/// let kind = LrSchedulerType::Linear;
/// let schedule = LrSchedule { kind, learning_rate: 1.0, warmup_steps: 2, max_steps: 10 };
/// assert_eq!([0, 1, 2, 6, 10].map(|step| schedule.learning_rate(step)), [0.0, 0.5, 1.0, 0.5, 0.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LrSchedule {
    /// The shape.
    pub kind: LrSchedulerType,
    /// The peak.
    pub learning_rate: f64,
    /// Steps of warm-up.
    pub warmup_steps: usize,
    /// Steps of the whole run.
    pub max_steps: usize,
}

impl LrSchedule {
    /// The learning rate of optimizer step `step`, counted from 0. With a warm-up the first step
    /// has rate 0, as in `transformers`.
    pub fn learning_rate(&self, step: usize) -> f64 {
        self.learning_rate * self.multiplier(step)
    }

    fn multiplier(&self, step: usize) -> f64 {
        if self.kind == LrSchedulerType::Constant {
            return 1.0;
        }
        if step < self.warmup_steps {
            return step as f64 / self.warmup_steps.max(1) as f64;
        }
        let after_warmup = self.max_steps.saturating_sub(self.warmup_steps).max(1) as f64;
        match self.kind {
            LrSchedulerType::Linear => self.max_steps.saturating_sub(step) as f64 / after_warmup,
            LrSchedulerType::Cosine => {
                let progress = (step - self.warmup_steps) as f64 / after_warmup;
                (0.5 * (1.0 + (PI * progress).cos())).max(0.0)
            }
            LrSchedulerType::Constant | LrSchedulerType::ConstantWithWarmup => 1.0,
        }
    }
}
