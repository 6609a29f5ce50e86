//! Evaluations, the best model and early stopping.
//!
//! On `flex` the random numbers belong to the process: the tests of this file take turns.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use burn::tensor::Device;
use support::{Regressor, Task};
use training_loop::*;

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

/// Gives the scores of a list, one an evaluation.
struct Scored {
    task: Task,
    scores: Vec<f64>,
    /// The bias of the model at each evaluation.
    seen: Mutex<Vec<f32>>,
}

impl Scored {
    fn new(scores: &[f64]) -> Self {
        Self {
            task: Task::new(20, BatchSampler::new(20, 5), Device::flex().autodiff()),
            scores: scores.to_vec(),
            seen: Mutex::default(),
        }
    }
}

impl TrainTask for Scored {
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
        batch: Self::Batch,
        context: &StepContext,
    ) -> Result<StepOutput, Self::Error> {
        self.task.step(model, batch, context)
    }

    fn evaluate(&self, model: &Regressor) -> Result<BTreeMap<String, f64>, Self::Error> {
        let mut seen = self.seen.lock().unwrap();
        assert!(
            !model.down.weight.device().is_autodiff(),
            "on the plain device"
        );
        let score = self.scores.get(seen.len()).copied();
        seen.push(bias(model));
        let score = score.ok_or_else(|| std::io::Error::other("no score is left"))?;
        Ok(BTreeMap::from([("f1".to_owned(), score)]))
    }
}

fn bias(model: &Regressor) -> f32 {
    model.down.bias.as_ref().unwrap().val().into_scalar()
}

fn config() -> TrainingConfig {
    TrainingConfig::new()
        .with_learning_rate(0.05)
        .with_max_steps(12)
        .with_eval_steps(2)
        .with_save_steps(2)
        .with_metric_for_best_model("f1")
        .with_load_best_model_at_end(true)
}

fn fit(
    config: TrainingConfig,
    task: &Scored,
    dir: Option<&Path>,
    resume: bool,
) -> Result<TrainReport<Regressor>, TrainError> {
    let options = TrainerOptions::new()
        .with_output_dir(dir.map(Path::to_owned))
        .with_resume(resume)
        .with_name("scored");
    let device = Device::flex().autodiff();
    device.seed(3);
    Trainer::new(config, options).fit(Regressor::new(0.0, &device), task)
}

#[test]
fn the_best_model_comes_back_from_disk_and_from_memory() {
    let _turn = turn();
    let scores = [0.1, 0.4, 0.3, 0.5, 0.2, 0.2];
    let dir = tempfile::tempdir().unwrap();
    for dir in [None, Some(dir.path())] {
        let task = Scored::new(&scores);
        let report = fit(config(), &task, dir, false).unwrap();
        let best = report.best_model.unwrap();
        assert_eq!(
            (best.step, best.metric.as_str(), best.value),
            (8, "eval_f1", 0.5)
        );
        let seen = task.seen.lock().unwrap();
        assert_eq!(bias(&report.model), seen[3], "step 8");
        assert_ne!(seen[3], seen[5], "the last step");
        let steps: Vec<usize> = report.eval_history.iter().map(|e| e.step).collect();
        assert_eq!(steps, [2, 4, 6, 8, 10, 12]);
        assert!(!report.stopped_early && !report.interrupted);
    }
    let lines = std::fs::read_to_string(dir.path().join(EVAL_FILE)).unwrap();
    assert_eq!(lines.lines().count(), 6);
    assert!(
        lines.starts_with(r#"{"step":2,"epoch":0.5,"eval_f1":0.1}"#),
        "{lines}"
    );
    assert!(dir.path().join(BEST_MODEL_DIR).join("model.bpk").is_file());
}

#[test]
fn patience_ends_a_run_and_a_resumed_run_stays_ended() {
    let _turn = turn();
    let patient = config().with_early_stopping_patience(2);
    let dir = tempfile::tempdir().unwrap();
    let task = Scored::new(&[0.4, 0.3, 0.4]);
    let report = fit(patient.clone(), &task, Some(dir.path()), false).unwrap();
    assert!(report.stopped_early);
    assert_eq!(
        (report.global_step, report.best_model.unwrap().step),
        (6, 2)
    );

    // The resumed run would fail at an evaluation: there is no score for it.
    let again = fit(patient, &Scored::new(&[]), Some(dir.path()), true).unwrap();
    assert!(again.stopped_early);
    assert_eq!(bias(&again.model), task.seen.lock().unwrap()[0]);
}

#[test]
fn a_failed_evaluation_names_its_step() {
    let _turn = turn();
    let error = fit(config(), &Scored::new(&[0.1]), None, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "evaluation after step 4: no score is left"
    );
    let other = config().with_metric_for_best_model("loss");
    let error = fit(other, &Scored::new(&[0.1]), None, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "evaluation after step 2: no finite metric `eval_loss`; there are: eval_f1"
    );
}

#[test]
fn evaluating_does_not_change_the_training() {
    let _turn = turn();
    let mut without = config()
        .with_eval_steps(None)
        .with_load_best_model_at_end(false);
    without.metric_for_best_model = None;
    let last = config().with_load_best_model_at_end(false);
    let task = Scored::new(&[0.5; 6]);
    let [with, without] = [last, without].map(|c| fit(c, &task, None, false).unwrap());
    assert_eq!(bias(&with.model), bias(&without.model));
    assert!(without.eval_history.is_empty() && without.best_model.is_none());
}

/// Computes its gradient itself, as gradient caching does.
struct OwnGradient(Task);

impl TrainTask for OwnGradient {
    type Model = Regressor;
    type Batch = <Task as TrainTask>::Batch;
    type Error = std::io::Error;

    fn num_batches(&self) -> usize {
        self.0.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, Self::Error> {
        self.0.batch(epoch, index, seed)
    }

    fn step(
        &self,
        model: &Regressor,
        batch: Self::Batch,
        context: &StepContext,
    ) -> Result<StepOutput, Self::Error> {
        let loss = self.0.step(model, batch, context)?.loss;
        let gradients = burn::optim::GradientsParams::from_grads(loss.backward(), model);
        Ok(StepOutput::new(loss.without_autodiff()).with_gradients(gradients))
    }
}

#[test]
fn a_gradient_of_the_tasks_own_trains_like_the_loops() {
    let _turn = turn();
    let config = TrainingConfig::new()
        .with_max_steps(6)
        .with_gradient_accumulation_steps(2);
    let device = Device::flex().autodiff();
    let model = || {
        device.seed(3);
        Regressor::new(0.0, &device)
    };
    let task = || Task::new(20, BatchSampler::new(20, 5), device.clone());
    let trainer = Trainer::new(config, TrainerOptions::default());
    let ours = trainer.fit(model(), &OwnGradient(task())).unwrap();
    let loops = trainer.fit(model(), &task()).unwrap();
    assert_eq!(ours.log_history.len(), loops.log_history.len());
    for (a, b) in ours.log_history.iter().zip(&loops.log_history) {
        assert!((a.loss - b.loss).abs() < 1e-6, "{} {}", a.loss, b.loss);
        assert!((a.grad_norm - b.grad_norm).abs() < 1e-5);
    }
    assert!((bias(&ours.model) - bias(&loops.model)).abs() < 1e-6);
}
