//! What the loop asks of the thing that is trained.

use std::collections::BTreeMap;

use burn::Tensor;
use burn::module::Module;
use burn::optim::GradientsParams;

/// A task: its batches, and the loss of a model on one of them.
///
/// The loop owns the order of events, the optimizer and the files; the task owns the data, the
/// device that batches live on and the objective.
pub trait TrainTask {
    /// The model that is trained.
    type Model: Module;
    /// One batch.
    type Batch;
    /// The task's own error.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Batches in one epoch.
    fn num_batches(&self) -> usize;

    /// Batch `index` (from 0) of `epoch` (from 0).
    ///
    /// Must be a pure function of its arguments: exact resume rests on it.
    /// [`BatchSampler`](crate::BatchSampler) gives the examples' indices in that manner.
    ///
    /// # Errors
    /// Whatever keeps the batch from being built; the loop adds step, epoch and batch.
    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, Self::Error>;

    /// The loss of `model` on `batch`.
    ///
    /// # Errors
    /// Whatever keeps the loss from being computed; the loop adds step, epoch and batch.
    fn step(
        &self,
        model: &Self::Model,
        batch: Self::Batch,
        context: &StepContext,
    ) -> Result<StepOutput, Self::Error>;

    /// Metrics of `model`, which is on the plain device, on data that it does not train on: called
    /// every [`eval_steps`](crate::TrainingConfig::eval_steps) and after the last step. Names go
    /// without the prefix `eval_`, which the loop adds. Default: none.
    ///
    /// # Errors
    /// Whatever keeps the metrics from being computed; the loop adds the step.
    fn evaluate(&self, model: &Self::Model) -> Result<BTreeMap<String, f64>, Self::Error> {
        let _ = model;
        Ok(BTreeMap::new())
    }

    /// What the task carries from step to step besides the model (a queue of earlier outputs, say),
    /// as bytes: stored with each checkpoint and given back by [`load_state`](Self::load_state) when
    /// a run resumes. Called after an optimizer step. Default: nothing.
    ///
    /// # Errors
    /// Whatever keeps the state from being read; the loop adds the step.
    fn state(&self) -> Result<Vec<u8>, Self::Error> {
        Ok(Vec::new())
    }

    /// Takes up a state before the first step of a run: that of the checkpoint, or no bytes if the
    /// run starts at step 0, or [`state`](Self::state) gave none. Default: nothing.
    ///
    /// # Errors
    /// A state that does not fit this task.
    fn load_state(&self, state: &[u8]) -> Result<(), Self::Error> {
        let _ = state;
        Ok(())
    }

    /// The task's own configuration, as JSON: stored with each checkpoint, and compared when a run
    /// resumes. Default: nothing to compare.
    fn config(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// What [`StepOutput::num_items`] counts, in the plural; the log's key is
    /// `{this}_per_second`. Default: `examples`.
    fn item_name(&self) -> &'static str {
        "examples"
    }
}

/// Where in the run a step stands.
///
/// ```
/// # use training_loop::StepContext;
/// # let context = |step| StepContext {
/// #     step, max_steps: 100, epoch: 0, batch: step, micro_step: step, accumulated: 1, seed: 42,
/// # };
/// // The warm-up of a loss term over the first tenth of 100 steps.
/// assert_eq!([0, 5, 10, 50].map(|step| context(step).warmup(0.1)), [0.0, 0.5, 1.0, 1.0]);
/// assert_eq!(context(25).progress(), 0.25);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepContext {
    /// Optimizer step, from 0.
    pub step: usize,
    /// Optimizer steps of the whole run.
    pub max_steps: usize,
    /// Epoch, from 0.
    pub epoch: usize,
    /// Batch within the epoch, from 0.
    pub batch: usize,
    /// Batches since the start of the run, from 0.
    pub micro_step: usize,
    /// Batches averaged into this optimizer step.
    pub accumulated: usize,
    /// The run's seed.
    pub seed: u64,
}

impl StepContext {
    /// The part of the run that is done, in [0, 1).
    pub fn progress(&self) -> f64 {
        self.step as f64 / self.max_steps.max(1) as f64
    }

    /// Rises linearly from 0 to 1 over the first `ratio` of the run, then stays 1: the warm-up of
    /// a loss term's weight. With `ratio` 0 it is 1 throughout.
    pub fn warmup(&self, ratio: f64) -> f64 {
        if ratio <= 0.0 {
            1.0
        } else {
            (self.progress() / ratio).min(1.0)
        }
    }
}

/// The loss of one batch, and what else is to be logged.
///
/// ```
/// use burn::{Tensor, tensor::Device};
/// use training_loop::StepOutput;
///
/// let loss = Tensor::<1>::from_floats([0.7], &Device::flex());
/// let output = StepOutput::new(loss).with_metric("accuracy", 0.5).with_num_items(8);
/// assert_eq!((output.metrics[0].1, output.num_items), (0.5, Some(8)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct StepOutput {
    /// The mean loss of the batch: one element, on the graph unless `gradients` is given.
    pub loss: Tensor<1>,
    /// The loss's gradient, if the task computed it itself, as gradient caching does; otherwise the
    /// loop takes it from `loss`. Of this batch alone: the loop averages accumulated batches.
    pub gradients: Option<GradientsParams>,
    /// Values to log, averaged over the batches between two entries. A value that is not finite
    /// counts as undefined for this batch and is left out of the average.
    pub metrics: Vec<(String, f64)>,
    /// As `metrics`, but read from the device together with the loss: one transfer for all.
    /// Each holds one element.
    pub tensor_metrics: Vec<(String, Tensor<1>)>,
    /// What whoever runs the training should hear of: goes into the next entry of the log, and above
    /// the progress bar.
    pub warnings: Vec<String>,
    /// Items in the batch (examples or tokens, see [`TrainTask::item_name`]), for the rate.
    pub num_items: Option<usize>,
}

impl StepOutput {
    /// A step with this loss and nothing else to log. `loss` holds one element.
    pub fn new(loss: Tensor<1>) -> Self {
        Self {
            loss,
            gradients: None,
            metrics: Vec::new(),
            tensor_metrics: Vec::new(),
            warnings: Vec::new(),
            num_items: None,
        }
    }

    /// Gives the gradient that the task computed itself.
    #[must_use]
    pub fn with_gradients(mut self, gradients: GradientsParams) -> Self {
        self.gradients = Some(gradients);
        self
    }

    /// Adds a value to log.
    #[must_use]
    pub fn with_metric(mut self, name: impl Into<String>, value: f64) -> Self {
        self.metrics.push((name.into(), value));
        self
    }

    /// Adds a value to log that is still on the device; `value` holds one element.
    #[must_use]
    pub fn with_tensor_metric(mut self, name: impl Into<String>, value: Tensor<1>) -> Self {
        self.tensor_metrics.push((name.into(), value));
        self
    }

    /// Adds a warning.
    #[must_use]
    pub fn with_warning(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Says how many items the batch holds.
    #[must_use]
    pub fn with_num_items(mut self, num_items: usize) -> Self {
        self.num_items = Some(num_items);
        self
    }
}
