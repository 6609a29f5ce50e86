//! The loop.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use burn::Tensor;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, FloatDType};

use crate::checkpoint::{Checkpoint, TrainerState};
use crate::config::TrainingConfig;
use crate::error::TrainError;
use crate::gradient::{clip_to, global_grad_norm};
use crate::log::{LogEntry, LogFile, LogWindow};
use crate::optimizer::adamw;
use crate::options::TrainerOptions;
use crate::plan::Plan;
use crate::progress;
use crate::seed::mix_seed;
use crate::task::{StepContext, StepOutput, TrainTask};

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
    /// The trained model, still on the autodiff device; [`Module::valid`] makes the inference copy.
    pub model: M,
    /// Optimizer steps done in all, those before a resume included.
    pub global_step: usize,
    /// Optimizer steps that the whole run has.
    pub max_steps: usize,
    /// The log, that of the run before a resume included.
    pub log_history: Vec<LogEntry>,
    /// True if the interrupt flag stopped the run before its last step.
    pub interrupted: bool,
    /// Wall-clock time of this call.
    pub runtime: Duration,
}

impl Trainer {
    /// A trainer; the configuration is checked by [`fit`](Self::fit).
    pub fn new(config: TrainingConfig, options: TrainerOptions) -> Self {
        Self { config, options }
    }

    /// Trains `model`, whose parameters must be on an autodiff device, until the last step or an
    /// interrupt.
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
        let (mut run, model) = Run::start(self, model, task)?;
        let (model, interrupted) = run.steps(model)?;
        Ok(TrainReport {
            model,
            global_step: run.state.global_step,
            max_steps: run.plan.max_steps,
            log_history: run.state.log_history,
            interrupted,
            runtime: started.elapsed(),
        })
    }
}

/// One call of [`Trainer::fit`]. The model goes from step to step by value: were a second copy
/// alive, the optimizer could not update the parameters in place.
struct Run<'a, T: TrainTask> {
    trainer: &'a Trainer,
    task: &'a T,
    plan: Plan,
    device: Device,
    optimizer: ModuleOptimizer,
    state: TrainerState,
    log: Option<LogFile>,
    rate: Rate,
}

/// Items since the last log entry, and when that was. Wall clock: not part of a checkpoint.
struct Rate {
    items: usize,
    since: Instant,
}

/// What is left of a batch once its gradients are computed.
struct Micro {
    context: StepContext,
    loss: Tensor<1>,
    metrics: Vec<(String, f64)>,
    tensor_metrics: Vec<(String, Tensor<1>)>,
    num_items: usize,
}

/// What a step leaves for the log.
struct Stepped {
    learning_rate: f64,
    grad_norm: f32,
}

impl<'a, T: TrainTask> Run<'a, T> {
    /// Everything that precedes the first step; the model is that of the checkpoint, if one is
    /// resumed.
    fn start(
        trainer: &'a Trainer,
        model: T::Model,
        task: &'a T,
    ) -> Result<(Self, T::Model), TrainError> {
        let Trainer { config, options } = trainer;
        if task.num_batches() == 0 {
            let task = options.name.clone();
            return Err(TrainError::NoBatches { task });
        }
        let device = trainable_device(&model, &options.name)?;
        let plan = Plan::new(config, task.num_batches());
        let fresh = TrainerState {
            global_step: 0,
            max_steps: plan.max_steps,
            epoch: 0.0,
            name: options.name.clone(),
            num_batches: plan.num_batches,
            optimizer_tensors: 0,
            config: serde_json::to_value(config)
                .expect("a config is plain data: a bug in training-loop"),
            task: task.config(),
            window: LogWindow::default(),
            log_history: Vec::new(),
        };
        let (model, optimizer, state) = match trainer.open_output_dir()? {
            Some(checkpoint) => {
                let mut state = checkpoint.read_state(&fresh)?;
                let model = checkpoint.load_model(model)?;
                let optimizer = checkpoint.load_optimizer(adamw(config, &model), &state)?;
                state.config = fresh.config;
                (model, optimizer, state)
            }
            None => {
                let optimizer = adamw(config, &model);
                (model, optimizer, fresh)
            }
        };
        let log = match &options.output_dir {
            Some(dir) => Some(LogFile::start(dir, &state.log_history)?),
            None => None,
        };
        let rate = Rate {
            items: 0,
            since: Instant::now(),
        };
        let run = Self {
            trainer,
            task,
            plan,
            device,
            optimizer,
            state,
            log,
            rate,
        };
        Ok((run, model))
    }

    /// Runs to the end; true if interrupted.
    fn steps(&mut self, mut model: T::Model) -> Result<(T::Model, bool), TrainError> {
        let Trainer { config, options } = self.trainer;
        let max_steps = self.plan.max_steps;
        let bar = progress::bar(
            options.progress,
            &options.name,
            self.state.global_step,
            max_steps,
        );
        let mut saved = self.state.global_step;
        let mut interrupted = false;
        while self.state.global_step < max_steps {
            if options
                .interrupt
                .as_ref()
                .is_some_and(|f| f.load(Ordering::Relaxed))
            {
                interrupted = true;
                break;
            }
            let stepped;
            (model, stepped) = self.step(model)?;
            let done = self.state.global_step;
            if done.is_multiple_of(config.logging_steps) || done == max_steps {
                self.write_log(stepped)?;
                self.state
                    .log_history
                    .last()
                    .inspect(|e| bar.set_message(progress::message(e)));
            }
            let due = config
                .save_steps
                .is_some_and(|n| done.is_multiple_of(n) || done == max_steps);
            if due {
                self.save(&model)?;
                saved = done;
            }
            bar.set_position(done as u64);
        }
        if interrupted && saved < self.state.global_step {
            self.save(&model)?;
        }
        bar.finish_and_clear();
        Ok((model, interrupted))
    }

    /// One optimizer step.
    fn step(&mut self, model: T::Model) -> Result<(T::Model, Stepped), TrainError> {
        let step = self.state.global_step;
        let (epoch, batches) = self.plan.group(step);
        let mut accumulator = GradientsAccumulator::new();
        let mut micros = Vec::with_capacity(batches.len());
        for batch in batches.clone() {
            let context = StepContext {
                step,
                max_steps: self.plan.max_steps,
                epoch,
                batch,
                micro_step: epoch * self.plan.num_batches + batch,
                accumulated: batches.len(),
                seed: self.trainer.config.seed,
            };
            let (micro, grads) = self.micro_step(&model, context)?;
            micros.push(micro);
            if batches.len() == 1 {
                // The common case needs no walk over the module.
                return self.apply(model, micros, grads);
            }
            accumulator.accumulate(&model, grads);
        }
        let grads = accumulator.grads();
        self.apply(model, micros, grads)
    }

    /// Forward and backward on one batch. The seed makes dropout a function of the position in the
    /// run, so that a resumed run draws what the whole run would have drawn.
    fn micro_step(
        &self,
        model: &T::Model,
        context: StepContext,
    ) -> Result<(Micro, GradientsParams), TrainError> {
        let StepContext {
            step,
            epoch,
            batch,
            seed,
            ..
        } = context;
        let failed = |source: T::Error| TrainError::Task {
            step,
            epoch,
            batch,
            source: Box::new(source),
        };
        self.device.seed(mix_seed(seed, context.micro_step as u64));
        let input = self.task.batch(epoch, batch, seed).map_err(failed)?;
        let output = self.task.step(model, input, &context).map_err(failed)?;
        if !output.loss.device().is_autodiff() {
            return Err(self.untrainable("its loss is not on an autodiff device"));
        }
        let StepOutput {
            loss,
            metrics,
            tensor_metrics,
            num_items,
        } = output;
        let micro = Micro {
            context,
            loss: loss.clone().inner().cast(FloatDType::F32),
            metrics,
            tensor_metrics: tensor_metrics
                .into_iter()
                .map(|(name, value)| (name, value.without_autodiff().cast(FloatDType::F32)))
                .collect(),
            num_items: num_items.unwrap_or(0),
        };
        // Averaging, not summing: each batch weighs 1/n, as in `transformers.Trainer`.
        let scaled = match context.accumulated {
            1 => loss,
            n => loss.div_scalar(n as f64),
        };
        let grads = GradientsParams::from_grads(scaled.backward(), model);
        Ok((micro, grads))
    }

    /// Reads the losses and the norm in one transfer, refuses what is not finite, then steps.
    fn apply(
        &mut self,
        model: T::Model,
        micros: Vec<Micro>,
        grads: GradientsParams,
    ) -> Result<(T::Model, Stepped), TrainError> {
        let max_norm = self.trainer.config.max_grad_norm;
        let norm = global_grad_norm(&model, &grads)
            .ok_or_else(|| self.untrainable("the loss depends on none of its parameters"))?;
        let values = read(&micros, norm)?;
        let (grad_norm, losses) = (values[0], &values[1..=micros.len()]);
        check_finite(&micros, losses, grad_norm)?;
        let learning_rate = self.plan.schedule.learning_rate(self.state.global_step);
        let grads = if max_norm > 0.0 {
            clip_to(&model, grads, grad_norm, max_norm)
        } else {
            grads
        };
        let model = self.optimizer.step(learning_rate, model, grads);
        self.record(micros, &values[1..]);
        let stepped = Stepped {
            learning_rate,
            grad_norm,
        };
        Ok((model, stepped))
    }

    fn untrainable(&self, reason: &str) -> TrainError {
        TrainError::NotTrainable {
            task: self.trainer.options.name.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Notes what the log needs and counts the step.
    fn record(&mut self, micros: Vec<Micro>, values: &[f32]) {
        let (losses, metrics) = values.split_at(micros.len());
        let loss = losses.iter().map(|&l| f64::from(l)).sum::<f64>() / losses.len() as f64;
        let state = &mut self.state;
        state.window.add_loss(loss);
        let mut metrics = metrics.iter();
        for micro in micros {
            self.rate.items += micro.num_items;
            for ((name, _), &value) in micro.tensor_metrics.into_iter().zip(&mut metrics) {
                state.window.add_metric(name, f64::from(value));
            }
            for (name, value) in micro.metrics {
                state.window.add_metric(name, value);
            }
        }
        state.global_step += 1;
        state.epoch = self.plan.epochs_after(state.global_step);
    }

    fn write_log(&mut self, stepped: Stepped) -> Result<(), TrainError> {
        let (loss, mut metrics) = self.state.window.take();
        let seconds = self.rate.since.elapsed().as_secs_f64();
        if self.rate.items > 0 && seconds > 0.0 {
            let name = format!("{}_per_second", self.task.item_name());
            metrics.insert(name, self.rate.items as f64 / seconds);
        }
        self.rate = Rate {
            items: 0,
            since: Instant::now(),
        };
        let entry = LogEntry {
            step: self.state.global_step,
            epoch: self.state.epoch,
            loss,
            learning_rate: stepped.learning_rate,
            grad_norm: f64::from(stepped.grad_norm),
            metrics,
        };
        if let Some(log) = &mut self.log {
            log.append(&entry)?;
        }
        self.state.log_history.push(entry);
        Ok(())
    }

    fn save(&mut self, model: &T::Model) -> Result<(), TrainError> {
        if let Some(dir) = &self.trainer.options.output_dir {
            Checkpoint::save(dir, model, &self.optimizer, &mut self.state)?;
            Checkpoint::rotate(dir, self.trainer.config.save_total_limit)?;
        }
        Ok(())
    }
}

impl Trainer {
    /// Makes the output directory, proves that it can be written, and gives the checkpoint to
    /// resume from.
    fn open_output_dir(&self) -> Result<Option<Checkpoint>, TrainError> {
        let Some(dir) = &self.options.output_dir else {
            return Ok(None);
        };
        writable(dir)?;
        let checkpoints = Checkpoint::list(dir)?;
        if self.options.resume {
            return Ok(checkpoints.into_iter().next_back());
        }
        match checkpoints.last() {
            Some(last) if !self.options.overwrite_output_dir => Err(TrainError::OutputDirInUse {
                path: dir.clone(),
                checkpoint: format!("checkpoint-{}", last.step),
            }),
            _ => checkpoints
                .iter()
                .try_for_each(Checkpoint::delete)
                .map(|()| None),
        }
    }
}

fn writable(dir: &Path) -> Result<(), TrainError> {
    fs::create_dir_all(dir)
        .and_then(|()| tempfile::tempfile_in(dir))
        .map(drop)
        .map_err(|source| TrainError::OutputDir {
            path: dir.to_owned(),
            source,
        })
}

/// The device of the parameters, if all of them are on one that tracks gradients.
fn trainable_device<M: Module>(model: &M, task: &str) -> Result<Device, TrainError> {
    let refuse = |reason: &str| TrainError::NotTrainable {
        task: task.to_owned(),
        reason: reason.to_owned(),
    };
    let devices = model.devices();
    if devices.iter().any(|d| !d.is_autodiff()) {
        return Err(refuse(
            "its parameters must be on an autodiff device (`device.autodiff()`)",
        ));
    }
    devices
        .into_iter()
        .next()
        .ok_or_else(|| refuse("it has no parameters"))
}

/// The norm, the losses, then the metrics still on the device, in one transfer.
fn read(micros: &[Micro], norm: Tensor<1>) -> Result<Vec<f32>, TrainError> {
    let losses = micros.iter().map(|m| m.loss.clone());
    let metrics = micros.iter().flat_map(|m| &m.tensor_metrics);
    let metrics = metrics.map(|(_, value)| value.clone());
    let all: Vec<_> = std::iter::once(norm).chain(losses).chain(metrics).collect();
    let expected = all.len();
    let values: Vec<f32> = Tensor::cat(all, 0).into_data().iter::<f32>().collect();
    if values.len() == expected {
        return Ok(values);
    }
    let StepContext {
        step, epoch, batch, ..
    } = micros[0].context;
    let source = "a loss or metric tensor of the task does not hold exactly one element".into();
    Err(TrainError::Task {
        step,
        epoch,
        batch,
        source,
    })
}

fn check_finite(micros: &[Micro], losses: &[f32], norm: f32) -> Result<(), TrainError> {
    for (micro, &loss) in micros.iter().zip(losses) {
        if !loss.is_finite() {
            let StepContext {
                step, epoch, batch, ..
            } = micro.context;
            return Err(TrainError::NonFiniteLoss {
                step,
                epoch,
                batch,
                loss,
            });
        }
    }
    if norm.is_finite() {
        return Ok(());
    }
    let [first, last] = [micros.first(), micros.last()].map(|m| {
        m.expect("an optimizer step has a batch: a bug in training-loop")
            .context
    });
    Err(TrainError::NonFiniteGradient {
        step: first.step,
        epoch: first.epoch,
        first_batch: first.batch,
        last_batch: last.batch,
        norm,
    })
}
