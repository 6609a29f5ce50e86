//! Where a run starts: afresh, or from the latest checkpoint that is whole.

use burn::module::Module;
use burn::optim::ModuleOptimizer;

use crate::checkpoint::{Checkpoint, TrainerState};
use crate::config::TrainingConfig;
use crate::error::TrainError;
use crate::optimizer::adamw;

/// What a run starts from.
pub(crate) struct Start<M> {
    pub(crate) model: M,
    pub(crate) optimizer: ModuleOptimizer,
    pub(crate) state: TrainerState,
    pub(crate) task_state: Vec<u8>,
}

impl<M: Module> Start<M> {
    /// At step 0, with nothing of an earlier run.
    pub(crate) fn afresh(model: M, config: &TrainingConfig, state: TrainerState) -> Self {
        Self {
            optimizer: adamw(config, &model),
            model,
            state,
            task_state: Vec::new(),
        }
    }

    /// The latest of `checkpoints` (the latest first) that is whole; none if there is no checkpoint.
    ///
    /// A damaged one is passed over with a warning: it costs the steps since the one before, which
    /// are computed again. If all are damaged, the latest one's damage is the error.
    pub(crate) fn resume(
        checkpoints: &[Checkpoint],
        model: &M,
        config: &TrainingConfig,
        fresh: &TrainerState,
    ) -> Result<Option<Self>, TrainError> {
        let mut damages = Vec::new();
        for checkpoint in checkpoints {
            match Self::load(checkpoint, model.clone(), config, fresh) {
                Ok(mut start) => {
                    for damage in damages {
                        let step = checkpoint.step;
                        let warning = format!("{damage}; the run goes on from step {step}");
                        start.state.window.add_warning(warning);
                    }
                    return Ok(Some(start));
                }
                Err(damage @ TrainError::Checkpoint { .. }) => damages.push(damage),
                Err(other) => return Err(other),
            }
        }
        damages.into_iter().next().map_or(Ok(None), Err)
    }

    fn load(
        checkpoint: &Checkpoint,
        model: M,
        config: &TrainingConfig,
        fresh: &TrainerState,
    ) -> Result<Self, TrainError> {
        let state = checkpoint.read_state(fresh)?;
        let model = checkpoint.load_model(model)?;
        let optimizer = checkpoint.load_optimizer(adamw(config, &model), &state)?;
        let task_state = checkpoint.load_task_state(&state)?;
        Ok(Self {
            model,
            optimizer,
            state,
            task_state,
        })
    }
}
