//! Objectives and align losses from outside: what learns beside the student is trained, cached, resumed;
//! what does not fit together is refused by type, and nothing falls back to cross entropy.

#![cfg(feature = "train")]

mod student;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use crsd_loss::{AlignInput, AlignLoss, CollapseAlarm, CrsdHeads, CrsdLossConfig, cross_entropy};
use student::{config, reason, tokenizer};
use student_model::{
    BertForSequenceClassification, Crsd, LogitKdConfig, NoHeads, Objective, ObjectiveConfig,
    ObjectiveContext, PassOutput, Passes, StudentBatch, StudentError, StudentExample, StudentTask,
    StudentTrainConfig, StudentTrainer, View,
};
use training_loop::{
    Progress, StepContext, StepOutput, TrainReport, TrainTask, TrainerOptions, TrainingConfig,
};

/// A linear map of the standard view's `[CLS]` predicts the reasoned one's; each step's weight of that
/// depends on how many steps there were, so that a lost state would show.
#[derive(Debug)]
struct Predictor {
    weight: f64,
    steps: AtomicU64,
}

impl Predictor {
    fn new(weight: f64) -> Arc<Self> {
        let steps = AtomicU64::new(0);
        Arc::new(Self { weight, steps })
    }
}

impl Objective for Predictor {
    type Heads = Linear;

    fn name(&self) -> &str {
        "predictor"
    }

    fn passes(&self) -> Vec<View> {
        vec![View::Standard, View::Reasoned]
    }

    fn init_heads(
        &self,
        hidden_size: usize,
        _: u64,
        device: &Device,
    ) -> Result<Linear, StudentError> {
        let zeros = burn::nn::Initializer::Zeros;
        let linear = LinearConfig::new(hidden_size, hidden_size).with_initializer(zeros);
        Ok(linear.init(device))
    }

    fn step(
        &self,
        passes: Passes,
        heads: &Linear,
        batch: &StudentBatch,
        _: &ObjectiveContext<'_>,
    ) -> Result<StepOutput, StudentError> {
        let [standard, reasoned] = passes.into_array()?;
        let ce = cross_entropy(standard.logits, batch.labels.clone())?.mean();
        let missed = heads.forward(standard.cls) - reasoned.cls.detach(); // [b, h]
        let steps = self.steps.fetch_add(1, Ordering::Relaxed);
        let regression = missed.square().mean();
        let weight = self.weight * (1.0 + steps as f64);
        let norm = heads.weight.val().square().sum();
        Ok(StepOutput::new(ce + regression.clone() * weight)
            .with_tensor_metric("loss_regression", regression)
            .with_tensor_metric("head_norm", norm)
            .with_metric("steps", steps as f64))
    }

    fn state(&self) -> Result<Vec<u8>, StudentError> {
        Ok(self.steps.load(Ordering::Relaxed).to_le_bytes().to_vec())
    }

    fn load_state(&self, state: &[u8], _: &Device) -> Result<(), StudentError> {
        let steps = match state {
            [] => 0,
            _ => {
                let bytes = state.try_into();
                u64::from_le_bytes(bytes.map_err(|e| StudentError::objective("predictor", e))?)
            }
        };
        self.steps.store(steps, Ordering::Relaxed);
        Ok(())
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({"predictor": {"weight": self.weight}})
    }
}

fn examples() -> Vec<StudentExample> {
    let nouns = ["mouse", "keyboard", "cable", "lamp"];
    let pairs = nouns.iter().flat_map(|q| nouns.iter().map(move |i| (q, i)));
    let example = |(query, item): (&&str, &&str)| {
        StudentExample::new(*query, *item, usize::from(query != item))
            .with_reason(reason(format!("the query asks {query}, {item}")))
            .with_teacher_confidence(0.5)
    };
    pairs.map(example).collect()
}

fn model() -> BertForSequenceClassification {
    config().init(1, &Device::default()).unwrap()
}

fn settings() -> StudentTrainConfig {
    let training = TrainingConfig::new()
        .with_learning_rate(1e-2)
        .with_max_steps(10)
        .with_logging_steps(1)
        .with_save_steps(4);
    StudentTrainConfig::new()
        .with_training(training)
        .with_train_batch_size(6)
}

fn quiet() -> TrainerOptions {
    TrainerOptions::new().with_progress(Progress::Hidden)
}

type Report = TrainReport<BertForSequenceClassification>;

fn train<H: burn::module::Module + burn::module::ModuleDisplay>(
    objective: Arc<dyn Objective<Heads = H>>,
    config: &StudentTrainConfig,
    options: TrainerOptions,
) -> Result<Report, StudentError> {
    StudentTrainer::new(config, options)?
        .with_objective(objective)
        .train(model(), &tokenizer(24, 40), &examples())
}

fn column(report: &Report, metric: &str) -> Vec<f64> {
    let entries = report.log_history.iter();
    entries.map(|entry| entry.metrics[metric]).collect()
}

#[test]
fn what_learns_beside_the_student_is_optimised() {
    let report = train(Predictor::new(1.0), &settings(), quiet()).unwrap();
    let (norms, losses) = (
        column(&report, "head_norm"),
        column(&report, "loss_regression"),
    );
    // The learning rate of the first step is 0.
    assert_eq!(norms[..2], [0.0, 0.0]);
    assert!(norms[1..].is_sorted_by(|a, b| a < b), "{norms:?}");
    assert!(losses[9] < 0.7 * losses[0], "{losses:?}");
}

#[test]
fn cached_gradients_reach_it_too() {
    let whole = train(Predictor::new(1.0), &settings(), quiet()).unwrap();
    let chunked = settings().with_grad_cache_chunk_size(2);
    let cached = train(Predictor::new(1.0), &chunked, quiet()).unwrap();
    for metric in ["head_norm", "loss_regression"] {
        let (whole, cached) = (column(&whole, metric), column(&cached, metric));
        for (whole, cached) in whole.iter().zip(&cached) {
            let far = (whole - cached).abs();
            assert!(far <= 1e-3 * whole.abs(), "{metric}: {whole} {cached}");
        }
    }
}

fn in_dir(dir: &Path, resume: bool) -> TrainerOptions {
    quiet().with_output_dir(dir.to_owned()).with_resume(resume)
}

/// The state of the checkpoint after step 8 counts eight steps.
#[test]
fn a_resumed_run_has_its_heads_and_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let whole = train(Predictor::new(0.1), &settings(), quiet()).unwrap();
    train(Predictor::new(0.1), &settings(), in_dir(dir.path(), false)).unwrap();
    std::fs::remove_dir_all(dir.path().join("checkpoint-10")).unwrap();
    let used = Predictor::new(0.1);
    used.steps.store(77, Ordering::Relaxed);
    let resumed = train(used, &settings(), in_dir(dir.path(), true)).unwrap();
    for metric in ["head_norm", "loss_regression", "steps"] {
        assert_eq!(column(&resumed, metric), column(&whole, metric));
    }
    let losses = |report: &Report| {
        let entries = report.log_history.iter();
        entries.map(|e| e.loss.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(losses(&resumed), losses(&whole));

    let other = train(Predictor::new(0.2), &settings(), in_dir(dir.path(), true));
    let text = other.unwrap_err().to_string();
    assert!(text.contains("`task.objective` was"), "{text}");
}

#[test]
fn a_missing_reason_names_the_objective() {
    let without = examples().into_iter().map(|e| e.with_reason(None));
    let without: Vec<StudentExample> = without.collect();
    let trainer = StudentTrainer::new(&settings(), quiet()).unwrap();
    let trainer = trainer.with_objective(Predictor::new(1.0));
    let error = trainer.train(model(), &tokenizer(24, 40), &without);
    let text = error.unwrap_err().to_string();
    assert!(text.ends_with("which the objective predictor needs for every example"));
}

#[test]
fn weights_that_would_not_be_read_are_refused() {
    let config = settings().with_weigh_by_confidence(true);
    let error = train(Predictor::new(1.0), &config, quiet()).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("`weigh_by_confidence` is true, allowed: false"));
}

/// Its step and what it says of it do not fit together.
#[derive(Debug)]
enum Faulty {
    NoPass,
    TakesTwo,
    ReadsTeacher,
    Fails,
}

#[derive(Debug, thiserror::Error)]
#[error("out of stock")]
struct OutOfStock;

impl Objective for Faulty {
    type Heads = NoHeads;

    fn name(&self) -> &str {
        "faulty"
    }

    fn passes(&self) -> Vec<View> {
        match self {
            Self::NoPass => Vec::new(),
            _ => vec![View::Standard],
        }
    }

    fn init_heads(&self, _: usize, _: u64, _: &Device) -> Result<NoHeads, StudentError> {
        Ok(NoHeads)
    }

    fn step(
        &self,
        passes: Passes,
        _: &NoHeads,
        batch: &StudentBatch,
        _: &ObjectiveContext<'_>,
    ) -> Result<StepOutput, StudentError> {
        match self {
            Self::TakesTwo => {
                let [first, _] = passes.into_array()?;
                Ok(StepOutput::new(first.logits.mean()))
            }
            Self::ReadsTeacher => Ok(StepOutput::new(batch.teacher_distributions()?.mean())),
            _ => Err(StudentError::objective(self.name(), OutOfStock)),
        }
    }
}

/// The error of this crate's own under what the loop says of the step.
fn cause(error: &StudentError) -> &StudentError {
    let cause = error.source().and_then(|e| e.downcast_ref());
    cause.unwrap_or(error)
}

#[test]
fn an_objective_that_contradicts_itself_is_told_so() {
    let refused = |objective: Faulty| train(Arc::new(objective), &settings(), quiet()).unwrap_err();
    let error = refused(Faulty::NoPass).to_string();
    assert_eq!(
        error,
        "`objective.passes` is empty, allowed: at least one view"
    );
    let error = refused(Faulty::TakesTwo);
    let expected = |e: &StudentError| {
        matches!(
            e,
            StudentError::PassCount {
                found: 1,
                expected: 2
            }
        )
    };
    assert!(expected(cause(&error)), "{error}");
    let error = refused(Faulty::ReadsTeacher);
    assert!(
        matches!(cause(&error), StudentError::BatchLacks { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .starts_with("step 0, epoch 0, batch 0: the batch has no")
    );
}

#[test]
fn an_objectives_own_error_is_kept() {
    let error = train(Arc::new(Faulty::Fails), &settings(), quiet()).unwrap_err();
    let StudentError::Objective { name, source } = cause(&error) else {
        panic!("{error}")
    };
    assert_eq!(name, "faulty");
    assert!(source.downcast_ref::<OutOfStock>().is_some());
}

/// Before, logit distillation without a teacher was cross entropy.
#[test]
fn logit_distillation_without_a_teacher_is_an_error() {
    let device = Device::default().autodiff();
    let config = settings().with_objective(ObjectiveConfig::CrossEntropy);
    let task = StudentTask::new(&examples(), 3, &tokenizer(24, 40), &config, &device).unwrap();
    let batch = task.batch(0, 0, 1).unwrap();
    let alarm = CollapseAlarm::new();
    let step = StepContext {
        step: 0,
        max_steps: 1,
        epoch: 0,
        batch: 0,
        micro_step: 0,
        accumulated: 1,
        seed: 1,
    };
    let context = ObjectiveContext::new(step, &alarm);
    let rows = batch.standard.num_rows();
    let output = PassOutput::new(
        Tensor::zeros([rows, 3], &device),
        Tensor::zeros([rows, 32], &device),
    );
    let kd = LogitKdConfig::new().init().unwrap();
    let passes = Passes::new(vec![output]);
    let error = kd
        .step(passes, &CrsdHeads::none(), &batch, &context)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the batch has no distributions of a teacher: an objective that reads it says so in \
         `Objective::needs_teacher_probabilities`"
    );
    assert!(batch.view(View::Reasoned).is_err());
}

/// `|x − x'|` to a power.
#[derive(Debug)]
struct Distance {
    power: f32,
}

impl AlignLoss for Distance {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        let difference = (input.standard - input.reasoned).abs(); // [b, h]
        let powers = difference.powf_scalar(self.power);
        powers.mean_dim(1).squeeze_dim::<1>(1) // [b]
    }
}

fn aligned(loss: &CrsdLossConfig, power: f32) -> Result<Arc<Crsd>, StudentError> {
    let crsd = Crsd::new(loss)?;
    Ok(Arc::new(
        crsd.with_align_loss(Arc::new(Distance { power }))?,
    ))
}

#[test]
fn an_align_loss_of_ones_own_takes_infonces_place() {
    let loss = CrsdLossConfig::new()
        .with_lambda(1.0)
        .with_lambda_warmup_ratio(0.0);
    let report = train(aligned(&loss, 2.0).unwrap(), &settings(), quiet()).unwrap();
    // The same as the term that the configuration knows by name.
    let named = loss.with_align(crsd_loss::Align::Mse);
    let named = settings().with_objective(ObjectiveConfig::Crsd(named));
    let trainer = StudentTrainer::new(&named, quiet()).unwrap();
    let named = trainer.train(model(), &tokenizer(24, 40), &examples());
    let named = column(&named.unwrap(), "loss_align");
    for (own, named) in column(&report, "loss_align").iter().zip(named) {
        assert!((own - named).abs() <= 1e-3 * named, "{own} {named}");
    }
}

#[test]
fn a_queue_that_it_does_not_read_is_refused() {
    let loss = CrsdLossConfig::new()
        .with_detach_reasoned(true)
        .with_queue_size(8);
    let text = aligned(&loss, 2.0).unwrap_err().to_string();
    assert!(text.contains("has no use for further negatives"), "{text}");
    aligned(&loss.with_queue_size(0), 2.0).unwrap();
}

#[test]
fn a_resumed_run_must_align_likewise() {
    let dir = tempfile::tempdir().unwrap();
    let loss = CrsdLossConfig::new();
    let run = |power, resume| {
        let objective = aligned(&loss, power).unwrap();
        train(objective, &settings(), in_dir(dir.path(), resume))
    };
    run(2.0, false).unwrap();
    run(2.0, true).unwrap();
    let text = run(1.0, true).unwrap_err().to_string();
    assert!(text.contains("Distance { power: 2.0 }"), "{text}");
}
