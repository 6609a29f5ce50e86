//! What a task carries from step to step goes into checkpoints and comes back.
//!
//! On `flex` the random numbers belong to the process: the tests of this file take turns.

mod support;

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use burn::tensor::{Device, Tensor};
use support::{Regressor, Task};
use training_loop::*;

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

/// Adds a penalty on the distance from the mean prediction of the batch before, which no parameter
/// and no position in the run says.
struct Remembering {
    task: Task,
    last: Mutex<Option<f32>>,
    interrupt_at: Option<usize>,
    interrupt: Interrupt,
}

impl Remembering {
    fn new(interrupt_at: Option<usize>) -> Self {
        Self {
            task: Task::new(34, BatchSampler::new(34, 5), Device::flex().autodiff()),
            // What another run left: a fresh run forgets it.
            last: Mutex::new(Some(100.0)),
            interrupt_at,
            interrupt: Interrupt::new(),
        }
    }
}

impl TrainTask for Remembering {
    type Model = Regressor;
    type Batch = <Task as TrainTask>::Batch;
    type Error = std::io::Error;

    fn num_batches(&self) -> usize {
        self.task.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, Self::Error> {
        self.task.batch(epoch, index, seed)
    }

    fn step(
        &self,
        model: &Regressor,
        (x, y): Self::Batch,
        context: &StepContext,
    ) -> Result<StepOutput, Self::Error> {
        if self.interrupt_at == Some(context.step) {
            self.interrupt.request();
        }
        let mean: Tensor<1> = model.forward(x.clone()).mean();
        let mut last = self.last.lock().unwrap();
        let penalty = mean.clone().sub_scalar(last.unwrap_or(0.0)).square();
        *last = Some(mean.without_autodiff().into_scalar());
        let mut output = self.task.step(model, (x, y), context)?;
        output.loss = output.loss + penalty;
        Ok(match context.step {
            3 => output.with_warning("the third"),
            _ => output,
        })
    }

    fn state(&self) -> Result<Vec<u8>, Self::Error> {
        let last = *self.last.lock().unwrap();
        Ok(last.map_or(Vec::new(), |last| last.to_le_bytes().to_vec()))
    }

    fn load_state(&self, state: &[u8]) -> Result<(), Self::Error> {
        let last = match state {
            [] => None,
            &[a, b, c, d] => Some(f32::from_le_bytes([a, b, c, d])),
            _ => return Err(std::io::Error::other("not four bytes")),
        };
        *self.last.lock().unwrap() = last;
        Ok(())
    }
}

fn fit(task: &Remembering, dir: &Path, resume: bool) -> Result<TrainReport<Regressor>, TrainError> {
    let config = TrainingConfig::new()
        .with_learning_rate(0.02)
        .with_max_steps(9)
        .with_logging_steps(1)
        .with_save_steps(100);
    let options = TrainerOptions::new()
        .with_output_dir(dir.to_owned())
        .with_resume(resume)
        .with_interrupt(task.interrupt.clone())
        .with_progress(Progress::Hidden);
    let device = Device::flex().autodiff();
    device.seed(if resume { 99 } else { 1 });
    Trainer::new(config, options).fit(Regressor::new(0.3, &device), task)
}

fn losses(report: &TrainReport<Regressor>) -> Vec<u64> {
    let entries = report.log_history.iter();
    entries.map(|entry| entry.loss.to_bits()).collect()
}

#[test]
fn a_resumed_run_goes_on_with_the_state_of_the_checkpoint() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let whole = fit(&Remembering::new(None), &dir.path().join("whole"), false).unwrap();
    let again = fit(&Remembering::new(None), &dir.path().join("again"), false).unwrap();
    assert_eq!(losses(&again), losses(&whole), "a fresh run starts afresh");
    let text = std::fs::read_to_string(dir.path().join("whole").join(LOG_FILE)).unwrap();
    let warned: Vec<usize> = (1..=9)
        .zip(text.lines())
        .filter(|(_, line)| line.contains(r#""warnings":["the third"]"#))
        .map(|(step, _)| step)
        .collect();
    assert_eq!((warned, text.matches("warnings").count()), (vec![4], 1));

    let parts = dir.path().join("parts");
    let first = fit(&Remembering::new(Some(4)), &parts, false).unwrap();
    assert!(first.interrupted);
    let bytes = std::fs::read(parts.join("checkpoint-5/task_state.bin")).unwrap();
    assert_eq!(bytes.len(), 4);
    let second = fit(&Remembering::new(None), &parts, true).unwrap();
    assert_eq!(losses(&second)[5..], losses(&whole)[5..]);
}

#[test]
fn a_state_that_is_damaged_or_does_not_fit_is_named() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    fit(&Remembering::new(Some(4)), dir.path(), false).unwrap();
    let checkpoint = dir.path().join("checkpoint-5");
    let path = checkpoint.join("task_state.bin");
    std::fs::write(&path, [0; 3]).unwrap();
    match fit(&Remembering::new(None), dir.path(), true) {
        Err(TrainError::Checkpoint { path: named, .. }) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    }
    // As an earlier version left it: nothing is known of its files.
    std::fs::remove_file(checkpoint.join("checksums.json")).unwrap();
    let state = checkpoint.join("trainer_state.json");
    let json = std::fs::read_to_string(&state).unwrap();
    let json = json.replace("\"task_state_bytes\": 4", "\"task_state_bytes\": 3");
    std::fs::write(&state, json).unwrap();
    let refused = fit(&Remembering::new(None), dir.path(), true).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the task's state after step 5: not four bytes"
    );
}
