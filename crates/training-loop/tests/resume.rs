//! A run that is stopped and resumed in a new process equals one that was not.
//!
//! On `flex` the random numbers belong to the process: the tests of this file take turns.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use burn::tensor::Device;
use support::{Regressor, Task};
use training_loop::*;

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

fn config() -> TrainingConfig {
    TrainingConfig {
        learning_rate: 0.02,
        gradient_accumulation_steps: 2,
        num_train_epochs: 4.0,
        logging_steps: 3,
        save_steps: Some(4),
        seed: 7,
        ..Default::default()
    }
}

fn task() -> Task {
    Task::new(34, BatchSampler::new(34, 5), Device::flex().autodiff())
}

/// What a new process has: a model with other weights and other parameter ids.
fn fresh_model(seed: u64) -> Regressor {
    let device = Device::flex().autodiff();
    device.seed(seed);
    Regressor::new(0.3, &device)
}

fn options(dir: Option<&Path>) -> TrainerOptions {
    TrainerOptions {
        output_dir: dir.map(Path::to_owned),
        name: "resume".into(),
        ..Default::default()
    }
}

/// The log without the wall clock.
fn deterministic(log: &[LogEntry]) -> Vec<LogEntry> {
    let mut log = log.to_vec();
    for entry in &mut log {
        assert!(entry.metrics.remove("examples_per_second").unwrap() > 0.0);
    }
    log
}

fn weights(model: &Regressor) -> Vec<u32> {
    let bits =
        |data: burn::tensor::TensorData| data.iter::<f32>().map(f32::to_bits).collect::<Vec<_>>();
    [
        bits(model.up.weight.val().into_data()),
        bits(model.norm.gamma.val().into_data()),
        bits(model.down.weight.val().into_data()),
        bits(model.down.bias.as_ref().unwrap().val().into_data()),
    ]
    .concat()
}

/// Raises the flag while the batch of optimizer step `at` is built.
struct InterruptAt {
    task: Task,
    at: usize,
    flag: Arc<AtomicBool>,
}

impl TrainTask for InterruptAt {
    type Model = Regressor;
    type Batch = <Task as TrainTask>::Batch;
    type Error = <Task as TrainTask>::Error;
    fn num_batches(&self) -> usize {
        self.task.num_batches()
    }
    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, Self::Error> {
        self.task.batch(epoch, index, seed)
    }
    fn step(
        &self,
        model: &Regressor,
        batch: Self::Batch,
        context: &StepContext,
    ) -> Result<StepOutput, Self::Error> {
        if context.step == self.at {
            self.flag.store(true, Ordering::Relaxed);
        }
        self.task.step(model, batch, context)
    }
}

fn interrupted_at(at: usize, dir: &Path) -> TrainReport<Regressor> {
    let flag = Arc::new(AtomicBool::new(false));
    let options = TrainerOptions {
        interrupt: Some(flag.clone()),
        ..options(Some(dir))
    };
    let task = InterruptAt {
        task: task(),
        at,
        flag,
    };
    Trainer::new(config(), options)
        .fit(fresh_model(1), &task)
        .unwrap()
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one_to_the_last_bit() {
    let _turn = turn();
    let whole = Trainer::new(config(), options(None))
        .fit(fresh_model(1), &task())
        .unwrap();
    assert_eq!(whole.global_step, 16);

    // Steps within a logging window, within an epoch, on a checkpoint's step and before any.
    for at in [0, 4, 6, 11] {
        let dir = tempfile::tempdir().unwrap();
        let first = interrupted_at(at, dir.path());
        assert!(first.interrupted);
        assert_eq!(first.global_step, at + 1, "the step in hand is finished");

        let resume = TrainerOptions {
            resume: true,
            ..options(Some(dir.path()))
        };
        let second = Trainer::new(config(), resume)
            .fit(fresh_model(99), &task())
            .unwrap();
        assert!(!second.interrupted);
        assert_eq!(second.global_step, 16);
        assert_eq!(
            weights(&second.model),
            weights(&whole.model),
            "interrupted at {at}"
        );
        let (ours, theirs) = (
            deterministic(&second.log_history),
            deterministic(&whole.log_history),
        );
        // Entries from before the resume went through JSON; later ones are the same bits.
        let later = ours.iter().filter(|e| e.step > at + 1).count();
        assert!(later > 0);
        assert_eq!(
            ours[ours.len() - later..],
            theirs[theirs.len() - later..],
            "at {at}"
        );
        assert_eq!(ours.len(), theirs.len());

        let text = std::fs::read_to_string(dir.path().join(LOG_FILE)).unwrap();
        let lines: Vec<LogEntry> = text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let steps: Vec<usize> = lines.iter().map(|e| e.step).collect();
        assert_eq!(steps, [3, 6, 9, 12, 15, 16]);
    }
}

#[test]
fn dropout_follows_the_seed() {
    let _turn = turn();
    let run = |seed: u64| {
        let config = TrainingConfig { seed, ..config() };
        // The same order of batches for both, so that only dropout can differ.
        let mut task = task();
        task.sampler = BatchSampler::new(34, 5).sequential();
        weights(
            &Trainer::new(config, options(None))
                .fit(fresh_model(1), &task)
                .unwrap()
                .model,
        )
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_finished_run_is_not_run_again() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let first = Trainer::new(config(), options(Some(dir.path())))
        .fit(fresh_model(1), &task())
        .unwrap();
    let resume = TrainerOptions {
        resume: true,
        ..options(Some(dir.path()))
    };
    let second = Trainer::new(config(), resume)
        .fit(fresh_model(2), &task())
        .unwrap();
    assert_eq!(weights(&second.model), weights(&first.model));
    assert_eq!(second.log_history.len(), first.log_history.len());
    assert!(!second.interrupted);
}

#[test]
fn another_config_is_refused_by_the_field_s_name() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut with_beta = task();
    with_beta.config = serde_json::json!({"beta": 0.1});
    let stop = TrainingConfig {
        num_train_epochs: 1.0,
        ..config()
    };
    Trainer::new(stop.clone(), options(Some(dir.path())))
        .fit(fresh_model(1), &with_beta)
        .unwrap();

    let refused = |config: TrainingConfig, task: &Task| {
        let resume = TrainerOptions {
            resume: true,
            ..options(Some(dir.path()))
        };
        match Trainer::new(config, resume).fit(fresh_model(1), task) {
            Err(TrainError::ResumeMismatch {
                field,
                saved,
                current,
                ..
            }) => (field, saved, current),
            other => panic!("{other:?}"),
        }
    };
    let other = TrainingConfig {
        learning_rate: 0.5,
        ..stop.clone()
    };
    let expected = ("learning_rate".into(), "0.02".into(), "0.5".into());
    assert_eq!(refused(other, &with_beta), expected);
    let other = TrainingConfig {
        max_steps: Some(9),
        ..stop.clone()
    };
    assert_eq!(refused(other, &with_beta).0, "max_steps");

    let mut task_config = task();
    task_config.config = serde_json::json!({"beta": 0.2});
    assert_eq!(refused(stop.clone(), &task_config).0, "task.beta");
    let mut data = task();
    data.config = with_beta.config.clone();
    data.sampler = BatchSampler::new(30, 5);
    assert_eq!(refused(stop.clone(), &data).0, "num_batches");

    // What does not change the computation may change.
    let resume = TrainerOptions {
        resume: true,
        ..options(Some(dir.path()))
    };
    let log_more = TrainingConfig {
        logging_steps: 1,
        save_steps: None,
        ..stop
    };
    Trainer::new(log_more, resume)
        .fit(fresh_model(1), &with_beta)
        .unwrap();
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let _turn = turn();
    for file in ["model.bpk", "optimizer.bpk", "trainer_state.json"] {
        let dir = tempfile::tempdir().unwrap();
        interrupted_at(2, dir.path());
        let path = dir.path().join("checkpoint-3").join(file);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let resume = TrainerOptions {
            resume: true,
            ..options(Some(dir.path()))
        };
        match Trainer::new(config(), resume).fit(fresh_model(1), &task()) {
            Err(TrainError::Checkpoint { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{file}: {other:?}"),
        }
    }
}
