//! What can go wrong while training.

use std::path::PathBuf;

/// An error of the training loop.
///
/// Each variant carries the evidence: the field, the step, epoch and batch, or the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A field of [`TrainingConfig`](crate::TrainingConfig) is out of range.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The field's name.
        field: &'static str,
        /// The value that was given.
        value: String,
        /// What was allowed.
        allowed: String,
    },
    /// The task has no batch.
    #[error("task `{task}` has no batch to train on")]
    NoBatches {
        /// The name of the run.
        task: String,
    },
    /// The model has no parameter, or holds one that is not on an autodiff device.
    #[error("task `{task}`: the model cannot be trained: {reason}")]
    NotTrainable {
        /// The name of the run.
        task: String,
        /// What is wrong with the model.
        reason: String,
    },
    /// The task failed to build a batch or to compute a step.
    #[error("step {step}, epoch {epoch}, batch {batch}: {source}")]
    Task {
        /// Optimizer step, from 0.
        step: usize,
        /// Epoch, from 0.
        epoch: usize,
        /// Batch within the epoch, from 0.
        batch: usize,
        /// The task's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The model could not be evaluated, or the evaluation lacks the metric that models are compared
    /// by.
    #[error("evaluation after step {step}: {source}")]
    Evaluation {
        /// Optimizer steps done.
        step: usize,
        /// The task's own error, or what the loop missed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The task's own state could not be read for a checkpoint, or does not fit when a run resumes.
    #[error("the task's state after step {step}: {source}")]
    TaskState {
        /// Optimizer steps done.
        step: usize,
        /// The task's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The loss is NaN or infinite. The optimizer has not stepped.
    #[error(
        "the loss is {loss} at step {step}, epoch {epoch}, batch {batch}: it must be finite \
         (lower `learning_rate`, or look at the batch)"
    )]
    NonFiniteLoss {
        /// Optimizer step, from 0.
        step: usize,
        /// Epoch, from 0.
        epoch: usize,
        /// Batch within the epoch, from 0.
        batch: usize,
        /// The loss as computed.
        loss: f32,
    },
    /// The loss is finite and its gradient is not. The optimizer has not stepped.
    #[error(
        "the gradient's norm is {norm} at step {step}, epoch {epoch}, batches \
         {first_batch}..={last_batch}: it must be finite"
    )]
    NonFiniteGradient {
        /// Optimizer step, from 0.
        step: usize,
        /// Epoch, from 0.
        epoch: usize,
        /// First batch of the accumulated group, from 0.
        first_batch: usize,
        /// Last batch of the accumulated group.
        last_batch: usize,
        /// The norm as computed.
        norm: f32,
    },
    /// The output directory cannot be made or written.
    #[error("output directory {}: {source}", path.display())]
    OutputDir {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The output directory already holds checkpoints and the run neither resumes nor overwrites.
    #[error(
        "output directory {} already holds `{checkpoint}`: set `resume` to go on from it, \
         `overwrite_output_dir` to start anew, or choose another directory", path.display()
    )]
    OutputDirInUse {
        /// The directory.
        path: PathBuf,
        /// The checkpoint found in it.
        checkpoint: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file could not be written as a whole.
    #[error(transparent)]
    File(#[from] atomic_files::FileError),
    /// A checkpoint's file is damaged or does not fit the model.
    #[error("checkpoint file {}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint was made by a run with another configuration.
    #[error(
        "cannot resume from {}: `{field}` was {saved} there and is {current} now", path.display()
    )]
    ResumeMismatch {
        /// The checkpoint.
        path: PathBuf,
        /// The field that differs; `task.` precedes a field of the task's own configuration.
        field: String,
        /// The checkpoint's value, as JSON.
        saved: String,
        /// This run's value, as JSON.
        current: String,
    },
}

impl TrainError {
    /// A checkpoint's file that is damaged or does not fit.
    pub(crate) fn damaged(path: &std::path::Path, reason: impl ToString) -> Self {
        Self::Checkpoint {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn invalid(field: &'static str, value: impl ToString, allowed: &str) -> Self {
        Self::InvalidConfig {
            field,
            value: value.to_string(),
            allowed: allowed.to_owned(),
        }
    }

    /// True if training diverged: the loss or its gradient stopped being finite.
    ///
    /// ```
    /// use training_loop::TrainError;
    ///
    /// let error = TrainError::NonFiniteLoss { step: 3, epoch: 0, batch: 3, loss: f32::NAN };
    /// assert!(error.is_divergence());
    /// ```
    pub fn is_divergence(&self) -> bool {
        matches!(
            self,
            Self::NonFiniteLoss { .. } | Self::NonFiniteGradient { .. }
        )
    }
}
