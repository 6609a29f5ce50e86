//! The loop's door: what a run is told, and what it leaves behind.

use std::time::{Duration, Instant};

use burn::module::Module;

use crate::config::TrainingConfig;
use crate::error::TrainError;
use crate::evaluation::{BestModel, EvalEntry};
use crate::log::LogEntry;
use crate::options::TrainerOptions;
use crate::run::Run;
use crate::task::TrainTask;

/// Trains models: see the [crate documentation](crate).
#[derive(Debug, Clone)]
pub struct Trainer {
    config: TrainingConfig,
    options: TrainerOptions,
}

/// What a run leaves behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct TrainReport<M> {
    /// The trained model, ready for inference: off the autodiff device, without gradients.
    /// [`Module::train`](burn::module::Module::train) takes it back to another run.
    pub model: M,
    /// Optimizer steps done in all, those before a resume included.
    pub global_step: usize,
    /// Optimizer steps that the whole run has.
    pub max_steps: usize,
    /// The log, that of the run before a resume included.
    pub log_history: Vec<LogEntry>,
    /// All evaluations, those before a resume included.
    pub eval_history: Vec<EvalEntry>,
    /// The best model, if models were compared; [`model`](Self::model) is that one under
    /// [`load_best_model_at_end`](TrainingConfig::load_best_model_at_end) unless interrupted.
    pub best_model: Option<BestModel>,
    /// True if patience ran out before the last step.
    pub stopped_early: bool,
    /// True if an [`Interrupt`](crate::Interrupt) stopped the run before its last step.
    pub interrupted: bool,
    /// Wall-clock time of this call.
    pub runtime: Duration,
}

impl<M> TrainReport<M> {
    /// The same report about another form of the model: the part of it that is of use, say.
    pub fn map_model<N>(self, f: impl FnOnce(M) -> N) -> TrainReport<N> {
        TrainReport {
            model: f(self.model),
            global_step: self.global_step,
            max_steps: self.max_steps,
            log_history: self.log_history,
            eval_history: self.eval_history,
            best_model: self.best_model,
            stopped_early: self.stopped_early,
            interrupted: self.interrupted,
            runtime: self.runtime,
        }
    }
}

impl Trainer {
    /// A trainer; the configuration is checked by [`fit`](Self::fit).
    pub fn new(config: TrainingConfig, options: TrainerOptions) -> Self {
        Self { config, options }
    }

    /// Trains `model`, whose parameters must be on an autodiff device, until the last step, an
    /// interrupt or the end of patience.
    ///
    /// On an error nothing is written but what was written before: the checkpoints and the log so
    /// far.
    ///
    /// # Errors
    /// A bad configuration, a model that cannot be trained, an output directory that cannot be
    /// used, a checkpoint that does not fit, an error of the task, and a loss or gradient that is
    /// not finite. The latter are found before the optimizer steps, so no parameter has become NaN.
    pub fn fit<T: TrainTask>(
        &self,
        model: T::Model,
        task: &T,
    ) -> Result<TrainReport<T::Model>, TrainError> {
        let started = Instant::now();
        self.config.validate()?;
        let (mut run, model) = Run::start(&self.config, &self.options, model, task)?;
        let ended = run.steps(model)?;
        let evaluations = run.state.evaluations;
        Ok(TrainReport {
            model: ended.model.valid(),
            global_step: run.state.global_step,
            max_steps: run.plan.max_steps,
            log_history: run.state.log_history,
            stopped_early: evaluations.stopped && run.state.global_step < run.plan.max_steps,
            eval_history: evaluations.history,
            best_model: ended.best_model,
            interrupted: ended.interrupted,
            runtime: started.elapsed(),
        })
    }
}
