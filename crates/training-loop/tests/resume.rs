//! A run that is stopped and resumed in a new process equals one that was not.
//!
//! On `flex` the random numbers belong to the process: the tests of this file take turns.

mod support;

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use burn::tensor::Device;
use support::{Regressor, Task};
use training_loop::*;

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

fn config() -> TrainingConfig {
    TrainingConfig::new()
        .with_learning_rate(0.02)
        .with_gradient_accumulation_steps(2)
        .with_num_train_epochs(4.0)
        .with_logging_steps(3)
        .with_save_steps(4)
        .with_seed(7)
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
    TrainerOptions::new()
        .with_output_dir(dir.map(Path::to_owned))
        .with_name("resume")
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

/// Asks to stop while the batch of optimizer step `at` is built.
struct InterruptAt {
    task: Task,
    at: usize,
    interrupt: Interrupt,
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
            self.interrupt.request();
        }
        self.task.step(model, batch, context)
    }
}

fn interrupted_at(at: usize, dir: &Path) -> TrainReport<Regressor> {
    let interrupt = Interrupt::new();
    let options = options(Some(dir)).with_interrupt(interrupt.clone());
    let task = InterruptAt {
        task: task(),
        at,
        interrupt,
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

        let resume = options(Some(dir.path())).with_resume(true);
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
        let config = config().with_seed(seed);
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
    let resume = options(Some(dir.path())).with_resume(true);
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
    let stop = config().with_num_train_epochs(1.0);
    Trainer::new(stop.clone(), options(Some(dir.path())))
        .fit(fresh_model(1), &with_beta)
        .unwrap();

    let refused = |config: TrainingConfig, task: &Task| {
        let resume = options(Some(dir.path())).with_resume(true);
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
    let other = stop.clone().with_learning_rate(0.5);
    let expected = ("learning_rate".into(), "0.02".into(), "0.5".into());
    assert_eq!(refused(other, &with_beta), expected);
    let other = stop.clone().with_max_steps(9);
    assert_eq!(refused(other, &with_beta).0, "max_steps");

    let mut task_config = task();
    task_config.config = serde_json::json!({"beta": 0.2});
    assert_eq!(refused(stop.clone(), &task_config).0, "task.beta");
    let mut data = task();
    data.config = with_beta.config.clone();
    data.sampler = BatchSampler::new(30, 5);
    assert_eq!(refused(stop.clone(), &data).0, "num_batches");

    // What does not change the computation may change.
    let resume = options(Some(dir.path())).with_resume(true);
    let log_more = stop.with_logging_steps(1).with_save_steps(None);
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
        let resume = options(Some(dir.path())).with_resume(true);
        match Trainer::new(config(), resume).fit(fresh_model(1), &task()) {
            Err(TrainError::Checkpoint { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{file}: {other:?}"),
        }
    }
}

#[test]
fn a_damaged_latest_checkpoint_is_passed_over_with_a_warning() {
    let _turn = turn();
    let whole = Trainer::new(config(), options(None))
        .fit(fresh_model(1), &task())
        .unwrap();
    // What a bit more or less does: burn panics, reads another number, or notices nothing.
    for file in ["model.bpk", "optimizer.bpk", "trainer_state.json"] {
        let dir = tempfile::tempdir().unwrap();
        Trainer::new(config(), options(Some(dir.path())))
            .fit(fresh_model(1), &task())
            .unwrap();
        let path = dir.path().join("checkpoint-16").join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();

        let resume = options(Some(dir.path())).with_resume(true);
        let resumed = Trainer::new(config(), resume.clone())
            .fit(fresh_model(99), &task())
            .unwrap();
        assert_eq!(weights(&resumed.model), weights(&whole.model), "{file}");
        let warnings: Vec<&String> = resumed
            .log_history
            .iter()
            .flat_map(|e| &e.warnings)
            .collect();
        let [warning] = warnings[..] else {
            panic!("{file}: {warnings:?}")
        };
        assert!(warning.contains(file) && warning.ends_with("the run goes on from step 12"));

        // The damaged one was replaced, and the one before it was kept as long as it was needed.
        let again = Trainer::new(config(), resume)
            .fit(fresh_model(99), &task())
            .unwrap();
        assert_eq!(weights(&again.model), weights(&whole.model));
        assert!(dir.path().join("checkpoint-12").is_dir());
    }
}

#[test]
fn a_damaged_later_checkpoint_does_not_cost_the_older_ones() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let one = config().with_save_total_limit(1);
    interrupted_at(2, dir.path());
    let later = dir.path().join("checkpoint-5");
    std::fs::create_dir(&later).unwrap();
    std::fs::write(later.join("trainer_state.json"), "{").unwrap();
    let interrupt = Interrupt::new();
    let resume = options(Some(dir.path()))
        .with_resume(true)
        .with_interrupt(interrupt.clone());
    let stopping = InterruptAt {
        task: task(),
        at: 3,
        interrupt,
    };
    Trainer::new(one, resume)
        .fit(fresh_model(1), &stopping)
        .unwrap();
    let mut names: Vec<String> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["checkpoint-4", "checkpoint-5", LOG_FILE]);
}

#[test]
fn what_a_killed_process_was_writing_goes_and_a_stranger_s_folder_stays() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let [ours, theirs] = [".writing-abc/new", ".writing-my-thesis"].map(|d| dir.path().join(d));
    std::fs::create_dir_all(&ours).unwrap();
    std::fs::write(ours.join("model.bpk"), "half").unwrap();
    std::fs::create_dir_all(&theirs).unwrap();
    std::fs::write(theirs.join("chapter-1"), "").unwrap();
    interrupted_at(2, dir.path());
    assert!(!dir.path().join(".writing-abc").exists());
    assert!(theirs.join("chapter-1").exists());
}
