//! The ablations as objectives: what each minimises, and what each needs.

#![cfg(feature = "train")]

mod student;

use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, Tensor};
use student::{config, tokenizer};
use student_model::{
    BertConfig, BertForSequenceClassification, LogitKdConfig, ObjectiveConfig, RDropConfig,
    StudentExample, StudentModule, StudentTask, StudentTrainConfig, predict, train_student,
};
use training_loop::{
    Progress, StepContext, TrainReport, TrainTask, TrainerOptions, TrainingConfig,
};

/// The item fits if it has the query's noun; the teacher is nearly sure.
fn examples() -> Vec<StudentExample> {
    let nouns = ["mouse", "keyboard", "cable", "lamp"];
    let pairs = nouns.iter().flat_map(|q| nouns.iter().map(move |i| (q, i)));
    let example = |(query, item): (&&str, &&str)| {
        let label = usize::from(query != item);
        let mut teacher = vec![0.04, 0.04, 0.04];
        teacher[label] = 0.92;
        StudentExample::new(*query, *item, label).with_teacher_probabilities(teacher)
    };
    pairs.map(example).collect()
}

fn settings(objective: ObjectiveConfig) -> StudentTrainConfig {
    let training = TrainingConfig::new()
        .with_learning_rate(3e-3)
        .with_max_steps(400)
        .with_logging_steps(20);
    StudentTrainConfig::new()
        .with_training(training)
        .with_objective(objective)
        .with_train_batch_size(8)
}

fn model(dropout: f64) -> BertForSequenceClassification {
    let shape = BertConfig {
        hidden_dropout_prob: dropout,
        ..config()
    };
    shape.init(1, &Device::default().autodiff()).unwrap()
}

/// Held by whoever trains: the device's random numbers, and so the dropout masks, are those of the process.
static RANDOM: Mutex<()> = Mutex::new(());

fn train(objective: ObjectiveConfig) -> TrainReport<BertForSequenceClassification> {
    let _alone = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    let options = TrainerOptions::new().with_progress(Progress::Hidden);
    let tokenizer = tokenizer(24, 40);
    train_student(
        model(0.1),
        &tokenizer,
        &examples(),
        &settings(objective),
        options,
    )
    .unwrap()
}

/// Mean probability of the label.
fn confidence(model: &BertForSequenceClassification) -> f64 {
    let examples = examples();
    let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
    let distributions = predict(model, &tokenizer(24, 40), &pairs, 16).unwrap();
    let rows = distributions.rows().into_iter().zip(&examples);
    let of_label = rows.map(|(p, e)| p[e.label]);
    of_label.sum::<f64>() / examples.len() as f64
}

#[test]
fn logit_distillation_learns_the_teachers_distribution() {
    let report = train(ObjectiveConfig::LogitKd(LogitKdConfig::default()));
    let last = report.log_history.last().unwrap();
    assert_eq!(last.metrics["loss_kd"], last.loss, "weight 1");
    let found = confidence(&report.model);
    assert!(
        (found - 0.92).abs() < 0.05,
        "not surer than the teacher: {found}"
    );
}

#[test]
fn r_drop_learns_the_rule_and_draws_the_passes_together() {
    let report = train(ObjectiveConfig::RDrop(RDropConfig::new().with_alpha(2.0)));
    let [first, .., last] = &report.log_history[..] else {
        panic!("too few entries")
    };
    let sum = last.metrics["loss_sce"] + 2.0 * last.metrics["loss_r_drop"];
    assert!((sum - last.loss).abs() < 1e-5, "{last:?}");
    assert!(first.metrics["loss_r_drop"] > 0.0, "dropout differs");
    let found = confidence(&report.model);
    assert!(found > 0.9, "{found}, {last:?}");
}

/// The loss of one step without dropout, so that it has a closed form.
fn loss(objective: ObjectiveConfig) -> f32 {
    let device = Device::default().autodiff();
    let module = StudentModule::new(model(0.0), &*objective.init().unwrap(), 1).unwrap();
    let task = StudentTask::new(
        &examples(),
        3,
        &tokenizer(24, 40),
        &settings(objective),
        &device,
    );
    let task = task.unwrap();
    let context = StepContext {
        step: 0,
        max_steps: 1,
        epoch: 0,
        batch: 0,
        micro_step: 0,
        accumulated: 1,
        seed: 1,
    };
    let batch = task.batch(0, 0, 1).unwrap();
    let output = task.step(&module, batch, &context).unwrap();
    output.loss.into_scalar()
}

#[test]
fn the_weights_of_the_terms_do_what_they_say() {
    let ce = loss(ObjectiveConfig::CrossEntropy);
    let kd = |weight| {
        let config = LogitKdConfig::new().with_temperature(1.0);
        loss(ObjectiveConfig::LogitKd(config.with_weight(weight)))
    };
    assert!((kd(0.0) - ce).abs() < 1e-6);
    assert!((kd(0.25) - (0.25 * kd(1.0) + 0.75 * ce)).abs() < 1e-5);
    // Without dropout both passes are the same: nothing is added to cross entropy.
    assert!((loss(ObjectiveConfig::RDrop(RDropConfig::new().with_alpha(5.0))) - ce).abs() < 1e-5);
}

#[test]
fn distillation_at_temperature_one_is_the_teachers_cross_entropy_less_its_entropy() {
    let kd = LogitKdConfig::new().with_temperature(1.0).with_weight(1.0);
    let kd = loss(ObjectiveConfig::LogitKd(kd));
    let device = Device::default().autodiff();
    let config = settings(ObjectiveConfig::LogitKd(LogitKdConfig::default()));
    let task = StudentTask::new(&examples(), 3, &tokenizer(24, 40), &config, &device).unwrap();
    let batch = task.batch(0, 0, 1).unwrap();
    let teacher = batch.teacher_probabilities.unwrap(); // [b, K]
    let logits = model(0.0).forward(&batch.standard.chunks[0].input).logits;
    let log_probs = burn::tensor::activation::log_softmax(logits, 1);
    let difference: Tensor<2> = teacher.clone().log() - log_probs;
    let expected: f32 = (teacher * difference).sum_dim(1).mean().into_scalar();
    assert!((kd - expected).abs() < 1e-5, "{kd} {expected}");
}

#[test]
fn a_bad_teachers_distribution_is_named() {
    let refused = |probabilities: Option<Vec<f32>>| {
        let mut examples = examples();
        examples[2].teacher_probabilities = probabilities;
        let config = settings(ObjectiveConfig::LogitKd(LogitKdConfig::default()));
        let device = Device::default();
        let task = StudentTask::new(&examples, 3, &tokenizer(24, 40), &config, &device);
        task.unwrap_err().to_string()
    };
    let prefix = r#"example 2 (query "mouse"): "#;
    assert_eq!(
        refused(None),
        format!(
            "{prefix}no teacher's distribution, which the objective logit_kd needs for every example"
        )
    );
    assert_eq!(
        refused(Some(vec![0.5, 0.5])),
        format!("{prefix}the teacher's distribution has 2 classes, the model 3")
    );
    for bad in [
        vec![0.5, 0.6, 0.5],
        vec![1.5, -0.5, 0.0],
        vec![f32::NAN, 0.5, 0.5],
    ] {
        assert!(refused(Some(bad)).contains("not negative, with the sum 1"));
    }
}
