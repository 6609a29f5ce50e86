//! How the weight of the align term grows at the start of training.

/// Linear warm-up of λ from 0 to its configured value.
///
/// At the first steps the two views say nothing about each other yet, so pulling them together
/// only disturbs the classifier. The scale is a pure function of the step: a resumed run repeats
/// it exactly.
///
/// ```
/// let schedule = crsd_loss::LambdaSchedule::new(0.1, 1000);
/// assert_eq!([0, 50, 100, 900].map(|step| schedule.scale(step)), [0.0, 0.5, 1.0, 1.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LambdaSchedule {
    warmup_steps: usize,
}

impl LambdaSchedule {
    /// Warm-up over the first `warmup_ratio` of `max_steps`, rounded up as in Hugging Face's
    /// `TrainingArguments`. A ratio outside `0..=1` is clamped to it.
    pub fn new(warmup_ratio: f64, max_steps: usize) -> Self {
        let steps = warmup_ratio.clamp(0.0, 1.0) * max_steps as f64;
        Self {
            warmup_steps: steps.ceil() as usize,
        }
    }

    /// The factor on λ, in `0..=1`, at `step` (optimiser steps done so far, from 0).
    pub fn scale(&self, step: usize) -> f64 {
        if step >= self.warmup_steps {
            return 1.0;
        }
        step as f64 / self.warmup_steps as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_linearly_over_a_tenth_then_stays() {
        let schedule = LambdaSchedule::new(0.1, 1000);
        assert_eq!(schedule.scale(0), 0.0);
        assert_eq!(schedule.scale(25), 0.25);
        assert_eq!(schedule.scale(100), 1.0);
        assert_eq!(schedule.scale(999), 1.0);
    }

    #[test]
    fn no_warmup_is_full_weight_from_the_first_step() {
        assert_eq!(LambdaSchedule::new(0.0, 1000).scale(0), 1.0);
        assert_eq!(LambdaSchedule::new(0.1, 0).scale(0), 1.0);
    }
}
