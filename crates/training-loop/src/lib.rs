//! One training loop for burn modules: a learning-rate schedule, accumulation that averages,
//! clipping by the global norm, AdamW with BERT's defaults, checkpoints by the step, exact resume,
//! a JSON-lines log and a progress bar. A [`TrainTask`] gives batches and a loss; [`Trainer::fit`]
//! does the rest, evaluation, early stopping and the best model included. It is meant for fine-tuning
//! on one device.
//!
//! ```
//! use burn::{Tensor, nn::{Linear, LinearConfig}, tensor::Device};
//! use training_loop::*;
//!
//! struct Double(Device); // learn y = 2x
//! impl TrainTask for Double {
//!     type Model = Linear;
//!     type Batch = Tensor<2>;
//!     type Error = std::convert::Infallible;
//!     fn num_batches(&self) -> usize { 4 }
//!     fn batch(&self, _epoch: usize, index: usize, _seed: u64) -> Result<Tensor<2>, Self::Error> {
//!         Ok(Tensor::from_floats([[index as f32]], &self.0))
//!     }
//!     fn step(&self, model: &Linear, x: Tensor<2>, _: &StepContext) -> Result<StepOutput, Self::Error> {
//!         let error = model.forward(x.clone()) - x * 2.0;
//!         Ok(StepOutput::new(error.square().mean()))
//!     }
//! }
//!
//! let device = Device::flex().autodiff();
//! let config = TrainingConfig::new().with_learning_rate(0.1).with_max_steps(60);
//! let model = LinearConfig::new(1, 1).init(&device);
//! let report = Trainer::new(config, TrainerOptions::default()).fit(model, &Double(device))?;
//! assert!(report.log_history.last().unwrap().loss < 0.1 * report.log_history[0].loss);
//! # Ok::<(), TrainError>(())
//! ```
//!
//! # What is promised
//! - Optimizer, schedules, clipping, and the way batches are counted and averaged are those of
//!   `torch.optim.AdamW`, `transformers.get_*_schedule_with_warmup`,
//!   `torch.nn.utils.clip_grad_norm_` and `transformers.Trainer`; tests hold them against these.
//! - A run that was stopped and resumed in a new process computes the same losses, to the last
//!   bit, as one that was not (on a device whose arithmetic repeats, such as `flex` on the CPU).
//!   For this the device's random numbers are seeded before every batch. On `flex` that generator
//!   belongs to the process: two runs at the same time in one process disturb each other's dropout.
//! - The host waits for the device once an optimizer step (losses, gradient norm and the task's
//!   tensor metrics together), plus what the task itself reads.
//! - A loss or gradient that is not finite is an error before it reaches a parameter.
//!
//! # Files
//! `output_dir/log_history.jsonl` holds one [`LogEntry`] a line. `output_dir/checkpoint-N/` holds
//! `model.bpk`, `optimizer.bpk`, `trainer_state.json`, `checksums.json` and, where the task has a state
//! of its own, `task_state.bin`; it appears under its name only when it is complete and on the disk. A
//! checkpoint whose files are not what `checksums.json` says is passed over for an older whole one, with
//! a warning in the log. With `eval_steps` there is `output_dir/eval_history.jsonl`, one [`EvalEntry`] a line,
//! and with `metric_for_best_model` the directory `output_dir/best-model/` (`model.bpk`, `best.json`).
//!
//! # Why not burn-train
//! The `Learner` of burn-train 0.22 is a loop over epochs, and it differs where fine-tuning cares:
//! - it checkpoints after an epoch and resumes at an epoch
//!   (`SingleDeviceTrainingStrategy::fit` calls the checkpointer there and nowhere else, and an
//!   interrupt leaves the epoch without one);
//! - its accumulated gradients are summed, never divided (`GradientsAccumulator`), so the number of
//!   accumulated batches changes the step;
//! - clipping is per tensor (`GradientClipping::Norm` inside the optimizer's visit of one
//!   parameter), which turns the gradient; there is no global norm to log;
//! - it has no maximum number of steps and no guard between a bad loss and the optimizer, and its
//!   checkpointer panics on an I/O error (`expect("Can save model checkpoint.")`);
//! - dropout is not seeded by position, so a resumed run is another run.
//!
//! burn's `AdamW`, `ModuleOptimizer` with its parameter groups, `GradientsAccumulator` and the
//! burnpack records do fit, and are used.

mod best_model;
mod checkpoint;
mod checksums;
mod config;
mod error;
mod evaluation;
mod gradient;
#[cfg(feature = "flex")]
mod host_pass;
mod interrupt;
mod log;
mod micro_step;
mod optimizer;
mod options;
mod output_dir;
mod plan;
mod progress;
mod run;
mod sampler;
mod schedule;
mod seed;
mod setters;
mod start;
mod task;
mod trainer;

pub use config::TrainingConfig;
pub use error::TrainError;
pub use evaluation::{BestModel, EvalEntry};
pub use gradient::{clip_grad_norm, global_grad_norm};
pub use interrupt::Interrupt;
pub use log::LogEntry;
pub use optimizer::adamw;
pub use options::{BEST_MODEL_DIR, EVAL_FILE, LOG_FILE, Progress, TrainerOptions};
pub use sampler::{BatchSampler, epoch_order};
pub use schedule::{LrSchedule, LrSchedulerType};
pub use seed::mix_seed;
pub use task::{StepContext, StepOutput, TrainTask};
pub use trainer::{TrainReport, Trainer};

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
