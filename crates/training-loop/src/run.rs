//! One run: steps, log, checkpoints, evaluations.

use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;

use crate::best_model::BestModelStore;
use crate::checkpoint::{Checkpoint, TrainerState};
use crate::config::TrainingConfig;
use crate::error::TrainError;
use crate::evaluation::{BestModel, EvalEntry, Evaluations, Watch};
use crate::gradient::{clip_to, global_grad_norm};
use crate::log::{LogEntry, LogFile, LogWindow};
use crate::micro_step::{Micro, check_finite, read};
use crate::options::{EVAL_FILE, LOG_FILE, TrainerOptions};
use crate::output_dir;
use crate::plan::Plan;
use crate::progress;
use crate::start::Start;
use crate::task::{StepContext, TrainTask};

/// One call of [`Trainer::fit`](crate::Trainer::fit). The model goes from step to step by value: were a second copy
/// alive, the optimizer could not update the parameters in place.
pub(crate) struct Run<'a, T: TrainTask> {
    config: &'a TrainingConfig,
    options: &'a TrainerOptions,
    task: &'a T,
    pub(crate) plan: Plan,
    device: Device,
    optimizer: ModuleOptimizer,
    pub(crate) state: TrainerState,
    log: Option<LogFile<LogEntry>>,
    evaluations: Option<LogFile<EvalEntry>>,
    watch: Option<Watch>,
    best: BestModelStore,
    rate: Rate,
}

/// How a run ended.
pub(crate) struct Ended<M> {
    pub(crate) model: M,
    pub(crate) interrupted: bool,
    pub(crate) best_model: Option<BestModel>,
}

/// Items since the last log entry, and when that was. Wall clock: not part of a checkpoint.
struct Rate {
    items: usize,
    since: Instant,
}

/// What a step leaves for the log.
struct Stepped {
    learning_rate: f64,
    grad_norm: f32,
}

impl<'a, T: TrainTask> Run<'a, T> {
    /// Everything that precedes the first step; the model is that of the checkpoint, if one is
    /// resumed.
    pub(crate) fn start(
        config: &'a TrainingConfig,
        options: &'a TrainerOptions,
        model: T::Model,
        task: &'a T,
    ) -> Result<(Self, T::Model), TrainError> {
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
            task_state_bytes: 0,
            config: serde_json::to_value(config)
                .expect("a config is plain data: a bug in training-loop"),
            task: task.config(),
            window: LogWindow::default(),
            log_history: Vec::new(),
            evaluations: Evaluations::default(),
        };
        let watch = Watch::new(config);
        let best = BestModelStore::new(options.output_dir.as_deref());
        let checkpoints = output_dir::open(options)?;
        let Start {
            model,
            optimizer,
            state,
            task_state,
        } = match Start::resume(&checkpoints, &model, config, &fresh)? {
            Some(mut start) => {
                start.state.config = fresh.config;
                // Killed between a better model and the next checkpoint: that model is the best.
                if let (Some(saved), Some(_)) = (best.saved()?, &watch)
                    && saved.step > start.state.global_step
                {
                    start.state.evaluations.adopt(&saved);
                }
                start
            }
            None => {
                best.delete()?;
                Start::afresh(model, config, fresh)
            }
        };
        let step = state.global_step;
        task.load_state(&task_state)
            .map_err(|error| task_state_error(step, error))?;
        let (log, evaluations) = match &options.output_dir {
            None => (None, None),
            Some(dir) => {
                let log = LogFile::start(dir, LOG_FILE, &state.log_history)?;
                let evaluations = match config.eval_steps {
                    Some(_) => Some(LogFile::start(dir, EVAL_FILE, &state.evaluations.history)?),
                    None => None,
                };
                (Some(log), evaluations)
            }
        };
        let rate = Rate {
            items: 0,
            since: Instant::now(),
        };
        let run = Self {
            config,
            options,
            task,
            plan,
            device,
            optimizer,
            state,
            log,
            evaluations,
            watch,
            best,
            rate,
        };
        Ok((run, model))
    }

    /// Runs to the end, which is the last step, an interrupt, or the end of patience.
    pub(crate) fn steps(&mut self, mut model: T::Model) -> Result<Ended<T::Model>, TrainError> {
        let (config, options) = (self.config, self.options);
        let max_steps = self.plan.max_steps;
        let bar = progress::bar(
            options.progress,
            &options.name,
            self.state.global_step,
            max_steps,
        );
        let mut saved = self.state.global_step;
        let mut interrupted = false;
        while self.state.global_step < max_steps && !self.state.evaluations.stopped {
            if options.interrupt.is_requested() {
                interrupted = true;
                break;
            }
            let stepped;
            (model, stepped) = self.step(model)?;
            let done = self.state.global_step;
            if done.is_multiple_of(config.logging_steps) || done == max_steps {
                self.write_log(stepped)?;
                if let Some(entry) = self.state.log_history.last() {
                    bar.set_message(progress::message(entry));
                    for warning in &entry.warnings {
                        bar.println(format!("{}, step {done}: {warning}", options.name));
                    }
                }
            }
            let due = |every: Option<usize>| {
                every.is_some_and(|n| done.is_multiple_of(n) || done == max_steps)
            };
            if due(config.eval_steps) {
                self.evaluate(&model)?;
            }
            let stopped = self.state.evaluations.stopped && config.save_steps.is_some();
            if due(config.save_steps) || stopped {
                self.save(&model)?;
                saved = done;
            }
            bar.set_position(done as u64);
        }
        if interrupted && saved < self.state.global_step {
            self.save(&model)?;
        }
        bar.finish_and_clear();
        let best = self.watch.as_ref();
        let best_model = best.and_then(|watch| self.state.evaluations.best(watch));
        if config.load_best_model_at_end && !interrupted && best_model.is_some() {
            let nothing = BestModelStore::Memory(None);
            model = std::mem::replace(&mut self.best, nothing).load(model)?;
        }
        Ok(Ended {
            model,
            interrupted,
            best_model,
        })
    }

    /// Evaluates the model, and keeps it if it is the best so far.
    fn evaluate(&mut self, model: &T::Model) -> Result<(), TrainError> {
        let TrainerState {
            global_step: step,
            epoch,
            ..
        } = self.state;
        let failed = |source| TrainError::Evaluation { step, source };
        let metrics = self.task.evaluate(&model.valid());
        let metrics = metrics.map_err(|error| failed(Box::new(error)))?;
        let watch = self.watch.as_ref();
        let evaluations = &mut self.state.evaluations;
        let better = evaluations
            .add(step, epoch, metrics, watch)
            .map_err(|lack| failed(lack.into()))?;
        if let (Some(file), Some(entry)) = (&mut self.evaluations, evaluations.history.last()) {
            file.append(entry)?;
        }
        match watch.and_then(|watch| evaluations.best(watch)) {
            Some(best) if better => self.best.save(model, &best),
            _ => Ok(()),
        }
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
                seed: self.config.seed,
            };
            let name = &self.options.name;
            let (micro, grads) = Micro::compute(self.task, &model, context, &self.device, name)?;
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

    /// Reads the losses and the norm in one transfer, refuses what is not finite, then steps.
    fn apply(
        &mut self,
        model: T::Model,
        micros: Vec<Micro>,
        grads: GradientsParams,
    ) -> Result<(T::Model, Stepped), TrainError> {
        let max_norm = self.config.max_grad_norm;
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
            task: self.options.name.clone(),
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
            for warning in micro.warnings {
                state.window.add_warning(warning);
            }
        }
        state.global_step += 1;
        state.epoch = self.plan.epochs_after(state.global_step);
    }

    fn write_log(&mut self, stepped: Stepped) -> Result<(), TrainError> {
        let (loss, mut metrics, warnings) = self.state.window.take();
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
            warnings,
            metrics,
        };
        if let Some(log) = &mut self.log {
            log.append(&entry)?;
        }
        self.state.log_history.push(entry);
        Ok(())
    }

    fn save(&mut self, model: &T::Model) -> Result<(), TrainError> {
        if let Some(dir) = &self.options.output_dir {
            let step = self.state.global_step;
            let task_state = self.task.state();
            let task_state = task_state.map_err(|error| task_state_error(step, error))?;
            Checkpoint::save(dir, model, &self.optimizer, &task_state, &mut self.state)?;
            Checkpoint::rotate(dir, step, self.config.save_total_limit)?;
        }
        Ok(())
    }
}

fn task_state_error(
    step: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> TrainError {
    let source = Box::new(error);
    TrainError::TaskState { step, source }
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
