//! How many steps a run has, and which batches belong to which.

use std::ops::Range;

use crate::config::TrainingConfig;
use crate::schedule::LrSchedule;

/// The run laid out: a pure function of the config and the number of batches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    pub(crate) num_batches: usize,
    pub(crate) accumulation: usize,
    pub(crate) steps_per_epoch: usize,
    pub(crate) max_steps: usize,
    pub(crate) schedule: LrSchedule,
}

impl Plan {
    /// Counts as `transformers.Trainer` does: a short group of batches at the end of an epoch is a
    /// step of its own.
    pub(crate) fn new(config: &TrainingConfig, num_batches: usize) -> Self {
        let accumulation = config.gradient_accumulation_steps;
        let steps_per_epoch = num_batches.div_ceil(accumulation);
        let max_steps = config
            .max_steps
            .unwrap_or_else(|| (config.num_train_epochs * steps_per_epoch as f64).ceil() as usize);
        let warmup_steps = if config.warmup_steps > 0 {
            config.warmup_steps
        } else {
            (config.warmup_ratio * max_steps as f64).ceil() as usize
        };
        Self {
            num_batches,
            accumulation,
            steps_per_epoch,
            max_steps,
            schedule: LrSchedule {
                kind: config.lr_scheduler_type,
                learning_rate: config.learning_rate,
                warmup_steps,
                max_steps,
            },
        }
    }

    /// The epoch of optimizer step `step`, and the batches of that epoch it takes.
    pub(crate) fn group(&self, step: usize) -> (usize, Range<usize>) {
        let first = (step % self.steps_per_epoch) * self.accumulation;
        let last = (first + self.accumulation).min(self.num_batches);
        (step / self.steps_per_epoch, first..last)
    }

    /// Epochs done after `steps` optimizer steps, as a fraction.
    pub(crate) fn epochs_after(&self, steps: usize) -> f64 {
        let whole = steps / self.steps_per_epoch;
        let batches = (steps % self.steps_per_epoch) * self.accumulation;
        whole as f64 + batches as f64 / self.num_batches as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_group_is_a_step() {
        let config = TrainingConfig {
            gradient_accumulation_steps: 4,
            num_train_epochs: 1.5,
            ..Default::default()
        };
        let plan = Plan::new(&config, 10);
        assert_eq!((plan.steps_per_epoch, plan.max_steps), (3, 5));
        assert_eq!(plan.group(2), (0, 8..10));
        assert_eq!(plan.group(3), (1, 0..4));
        assert_eq!(plan.epochs_after(4), 1.4);
        assert_eq!(plan.schedule.warmup_steps, 1);
    }
}
