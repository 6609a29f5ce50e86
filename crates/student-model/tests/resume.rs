//! A student's run that was killed and resumed equals one that was not.
//!
//! Alone in its file, one test at a time: on `flex` the random numbers of dropout belong to the
//! process.

#![cfg(all(feature = "train", feature = "flex"))]

mod student;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use crsd_loss::{AlignWeighting, CrsdLossConfig, ProjectionHeadConfig};
use student::{config, reason, tokenizer};
use student_model::{
    BertConfig, BertForSequenceClassification, Evaluator, ObjectiveConfig, StudentError,
    StudentExample, StudentTrainConfig, StudentTrainer, predict,
};
use training_loop::{Progress, TrainReport, TrainerOptions, TrainingConfig};

fn examples() -> Vec<StudentExample> {
    let nouns = ["mouse", "keyboard", "cable", "lamp"];
    let pairs = nouns.iter().flat_map(|q| nouns.iter().map(move |i| (q, i)));
    let example = |(query, item): (&&str, &&str)| {
        StudentExample::new(*query, *item, usize::from(query != item))
            .with_reason(reason(format!(
                "the query asks {query}, the item is {item}"
            )))
            .with_teacher_confidence(if query == item { 1.0 } else { 0.5 })
    };
    pairs.map(example).collect()
}

/// The share of the label's probability on the training pairs; fails at evaluation `fail_at`, as a
/// process that is killed there.
fn evaluator(fail_at: usize) -> Evaluator {
    let seen = AtomicUsize::new(0);
    Evaluator::new(move |model| {
        if seen.fetch_add(1, Ordering::Relaxed) == fail_at {
            return Err(StudentError::NoExamples);
        }
        let examples = examples();
        let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
        let distributions = predict(model, &tokenizer(24, 40), &pairs, 16)?;
        let sum: f64 = distributions
            .rows()
            .into_iter()
            .zip(&examples)
            .map(|(p, e)| p[e.label])
            .sum();
        Ok(BTreeMap::from([("confidence".to_owned(), sum)]))
    })
}

/// What a run changes of the default configuration.
type Settings = fn(&mut StudentTrainConfig);

fn train(
    settings: Settings,
    seed: u64,
    dir: &Path,
    resume: bool,
    fail_at: usize,
) -> Result<TrainReport<BertForSequenceClassification>, StudentError> {
    let shape = BertConfig {
        hidden_dropout_prob: 0.2,
        ..config()
    };
    let model = shape.init(seed, &Device::flex().autodiff())?;
    let training = TrainingConfig::new()
        .with_learning_rate(1e-3)
        .with_max_steps(12)
        .with_logging_steps(1)
        .with_save_steps(3)
        .with_eval_steps(2)
        .with_metric_for_best_model("confidence")
        .with_load_best_model_at_end(true);
    let mut config = StudentTrainConfig::new()
        .with_training(training)
        .with_train_batch_size(6);
    settings(&mut config);
    let options = TrainerOptions::new()
        .with_output_dir(dir.to_owned())
        .with_resume(resume)
        .with_progress(Progress::Hidden);
    StudentTrainer::new(&config, options)?
        .with_evaluator(evaluator(fail_at))
        .train(model, &tokenizer(24, 40), &examples())
}

static RANDOM: Mutex<()> = Mutex::new(());

fn assert_goes_on_exactly(settings: Settings) {
    let _alone = RANDOM.lock().unwrap_or_else(|e| e.into_inner());
    let dir = tempfile::tempdir().unwrap();
    let whole = train(settings, 1, &dir.path().join("whole"), false, usize::MAX).unwrap();
    let parts = dir.path().join("parts");
    // The fourth evaluation is after step 8; the last checkpoint before it is of step 6.
    let killed = train(settings, 1, &parts, false, 3)
        .unwrap_err()
        .to_string();
    assert!(killed.starts_with("evaluation after step 8"), "{killed}");

    // Another process has other initial weights and parameter ids.
    let resumed = train(settings, 99, &parts, true, usize::MAX).unwrap();
    let losses = |report: &TrainReport<_>| {
        let entries = report.log_history.iter();
        entries
            .map(|e| (e.step, e.loss.to_bits()))
            .collect::<Vec<_>>()
    };
    assert_eq!(losses(&resumed), losses(&whole));
    assert_eq!(losses(&whole).len(), 12);
    assert_eq!(resumed.eval_history, whole.eval_history);
    assert_eq!(resumed.best_model, whole.best_model);
    let logits = |report: &TrainReport<BertForSequenceClassification>| {
        predict(&report.model, &tokenizer(24, 40), &[("lamp", "cable")], 1).unwrap()
    };
    assert_eq!(logits(&resumed), logits(&whole));
}

#[test]
fn a_killed_run_goes_on_exactly() {
    assert_goes_on_exactly(|_| ());
}

#[test]
fn so_does_one_with_cached_gradients() {
    assert_goes_on_exactly(|config| config.grad_cache_chunk_size = Some(4));
}

/// The objective's parameters are in the checkpoint, the optimizer's moments of them too.
#[test]
fn so_does_one_with_a_projection_head_and_a_learned_temperature() {
    assert_goes_on_exactly(|config| {
        let loss = CrsdLossConfig::new().with_learnable_temperature(true);
        let head = ProjectionHeadConfig::new().with_output_size(6);
        config.objective = ObjectiveConfig::Crsd(loss.with_projection(Some(head)));
    });
}

/// The queue spans more than two batches: after the resume it holds pairs from before the kill.
#[test]
fn so_does_one_with_a_memory_queue() {
    assert_goes_on_exactly(|config| {
        let loss = CrsdLossConfig::new().with_detach_reasoned(true);
        config.objective = ObjectiveConfig::Crsd(loss.with_lambda(1.0).with_queue_size(14));
    });
}

#[test]
fn so_does_one_with_all_of_them_and_weights() {
    assert_goes_on_exactly(|config| {
        let loss = CrsdLossConfig::new()
            .with_learnable_temperature(true)
            .with_projection(Some(ProjectionHeadConfig::new().with_output_size(6)))
            .with_detach_reasoned(true)
            .with_align_weighting(AlignWeighting::StudentDifficulty)
            .with_queue_size(14);
        config.objective = ObjectiveConfig::Crsd(loss);
        config.weigh_by_confidence = true;
        config.grad_cache_chunk_size = Some(4);
        config.training.gradient_accumulation_steps = 2;
    });
}

#[test]
fn another_chunk_size_is_another_run() {
    let _alone = RANDOM.lock().unwrap_or_else(|e| e.into_inner());
    let dir = tempfile::tempdir().unwrap();
    train(|_| (), 1, dir.path(), false, 3).unwrap_err();
    let chunked: Settings = |config| config.grad_cache_chunk_size = Some(4);
    let refused = train(chunked, 1, dir.path(), true, 3).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("`task.bucket_size` was null there and is 4 now"),
        "{text}"
    );
}
