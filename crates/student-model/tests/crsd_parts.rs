//! The optional parts of CRSD in training: what each logs, changes and asks for.

#![cfg(feature = "train")]

mod student;

use burn::tensor::Device;
use crsd_loss::{AlignWeighting, CrsdLossConfig, ProjectionHeadConfig};
use student::{config, reason, tokenizer};
use student_model::{
    BertForSequenceClassification, ObjectiveConfig, StudentError, StudentExample, StudentModule,
    StudentTask, StudentTrainConfig, train_student,
};
use training_loop::{
    LogEntry, Progress, StepContext, StepOutput, TrainTask, TrainerOptions, TrainingConfig,
};

fn examples(confidence: Option<f32>) -> Vec<StudentExample> {
    let nouns = ["mouse", "keyboard", "cable", "lamp"];
    let pairs = nouns.iter().flat_map(|q| nouns.iter().map(move |i| (q, i)));
    let example = |(query, item): (&&str, &&str)| {
        let mut example = StudentExample::new(*query, *item, usize::from(query != item))
            .with_reason(reason(format!("the query asks {query}, {item}")));
        example.teacher_confidence = confidence;
        example
    };
    pairs.map(example).collect()
}

fn settings(loss: CrsdLossConfig) -> StudentTrainConfig {
    let training = TrainingConfig::new()
        .with_learning_rate(1e-2)
        .with_max_steps(8)
        .with_logging_steps(1);
    StudentTrainConfig::new()
        .with_training(training)
        .with_objective(ObjectiveConfig::Crsd(loss))
        .with_train_batch_size(6)
}

fn model() -> BertForSequenceClassification {
    config().init(1, &Device::default().autodiff()).unwrap()
}

fn log(config: &StudentTrainConfig) -> Vec<LogEntry> {
    let options = TrainerOptions::new().with_progress(Progress::Hidden);
    let report = train_student(
        model(),
        &tokenizer(24, 40),
        &examples(Some(0.5)),
        config,
        options,
    );
    report.unwrap().log_history
}

fn column(log: &[LogEntry], metric: &str) -> Vec<f64> {
    let values = log.iter().map(|entry| entry.metrics.get(metric).copied());
    values.map(|value| value.unwrap_or(f64::NAN)).collect()
}

#[test]
fn a_learned_temperature_starts_at_the_configured_one_and_moves() {
    let loss = CrsdLossConfig::new().with_lambda_warmup_ratio(0.0);
    let found = log(&settings(loss.clone().with_learnable_temperature(true)));
    let temperatures = column(&found, "temperature");
    assert!((temperatures[0] - 0.05).abs() < 1e-6, "{temperatures:?}");
    let moved = (temperatures[7] / 0.05).ln().abs();
    assert!(moved > 0.005, "{temperatures:?}");
    assert!(column(&log(&settings(loss)), "temperature")[0].is_nan());
}

#[test]
fn a_projection_head_aligns_its_own_outputs() {
    let loss = CrsdLossConfig::new().with_lambda_warmup_ratio(0.0);
    let head = ProjectionHeadConfig::new().with_output_size(4);
    let plain = log(&settings(loss.clone()));
    let headed = log(&settings(loss.with_projection(Some(head))));
    // The same student and batch: the classifier's terms agree, the alignment's do not.
    assert_eq!(
        column(&plain, "loss_sce")[0],
        column(&headed, "loss_sce")[0]
    );
    for metric in ["loss_align", "alignment", "positive_similarity"] {
        assert_ne!(column(&plain, metric)[0], column(&headed, metric)[0]);
    }
}

#[test]
fn the_queue_fills_up_to_its_capacity_and_adds_negatives() {
    let loss = CrsdLossConfig::new().with_detach_reasoned(true);
    // Nothing is trained, so that only the queue can change a loss.
    let still = |loss: CrsdLossConfig| {
        let mut config = settings(loss);
        config.training.learning_rate = 1e-30;
        log(&config)
    };
    let queued = still(loss.clone().with_queue_size(14));
    // Three batches an epoch: 6, 6 and 4 pairs, in an order of the seed's.
    let lengths = column(&queued, "queue_length");
    assert_eq!(lengths[0], 0.0, "the batch's own pairs come after its loss");
    assert!(lengths[1] >= 4.0 && lengths[3..].iter().all(|length| *length == 14.0));
    let (queued, plain) = (
        column(&queued, "loss_align"),
        column(&still(loss), "loss_align"),
    );
    assert_eq!(queued[0], plain[0]);
    for step in 1..8 {
        assert!(queued[step] > plain[step], "{queued:?} {plain:?}");
    }
}

fn step(config: &StudentTrainConfig, examples: &[StudentExample]) -> StepOutput {
    let device = Device::default().autodiff();
    let task = StudentTask::new(examples, 3, &tokenizer(24, 40), config, &device).unwrap();
    let module = StudentModule::new(model(), &*config.objective.init().unwrap(), 1).unwrap();
    let context = StepContext {
        step: 4,
        max_steps: 8,
        epoch: 0,
        batch: 0,
        micro_step: 4,
        accumulated: 1,
        seed: 1,
    };
    let batch = task.batch(0, 0, 1).unwrap();
    task.step(&module, batch, &context).unwrap()
}

#[test]
fn confidence_is_a_factor_on_lambda() {
    let loss = |lambda: f64, weighed: bool, confidence: f32| -> f32 {
        let mut config = settings(CrsdLossConfig::new().with_lambda(lambda));
        config.weigh_by_confidence = weighed;
        step(&config, &examples(Some(confidence)))
            .loss
            .into_scalar()
    };
    let (none, half, whole) = (
        loss(0.0, false, 0.5),
        loss(0.5, false, 0.5),
        loss(1.0, false, 0.5),
    );
    assert!(none < half && half < whole);
    let equal = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-5);
    equal(loss(1.0, true, 0.0), none);
    equal(loss(1.0, true, 0.5), half);
    equal(loss(1.0, true, 1.0), whole);
}

#[test]
fn a_collapse_is_a_metric_and_after_the_warm_up_a_warning() {
    let healthy = settings(CrsdLossConfig::new().with_lambda_warmup_ratio(0.5));
    let mut strict = healthy.clone();
    // Every batch has fewer dimensions than there could be.
    strict.collapse_alarm.rank_share = 1.0;
    let found = log(&strict);
    let ranks = column(&found, "effective_rank");
    assert!(
        ranks.iter().all(|rank| (1.0..6.0).contains(rank)),
        "{ranks:?}"
    );
    assert!(
        column(&found, "collapse_symptoms")
            .iter()
            .all(|n| *n >= 2.0)
    );
    let warned: Vec<bool> = found.iter().map(|e| !e.warnings.is_empty()).collect();
    // λ has its full weight from the fifth step on.
    assert_eq!(warned, [false, false, false, false, true, true, true, true]);
    let expected = "collapse: Standard views use few dimensions: effective rank ";
    let named = |warning: &String| warning.starts_with(expected);
    assert!(found[7].warnings.iter().any(named), "{:?}", found[7]);

    let mut lenient = healthy;
    lenient.collapse_alarm.rank_share = 0.0;
    lenient.collapse_alarm.uniformity = 0.0;
    let dimensions = |e: &LogEntry| e.warnings.iter().any(|w| w.contains("dimensions"));
    assert!(!log(&lenient).iter().any(dimensions));
}

#[test]
fn what_a_part_needs_of_an_example_is_named() {
    let refused = |config: &StudentTrainConfig, examples: &[StudentExample]| -> String {
        let device = Device::default();
        let task = StudentTask::new(examples, 3, &tokenizer(24, 40), config, &device);
        task.unwrap_err().to_string()
    };
    let mut weighed = settings(CrsdLossConfig::new());
    weighed.weigh_by_confidence = true;
    let text = refused(&weighed, &examples(None));
    let expected = "no teacher's confidence, which weigh_by_confidence needs for every example";
    assert!(text.ends_with(expected), "{text}");
    let text = refused(&weighed, &examples(Some(1.5)));
    assert!(
        text.ends_with("the teacher's confidence is 1.5, not 0 to 1"),
        "{text}"
    );

    let weighting = AlignWeighting::TeacherConfidence;
    let config = settings(CrsdLossConfig::new().with_align_weighting(weighting));
    let text = refused(&config, &examples(None));
    assert!(text.contains("no teacher's distribution"), "{text}");

    weighed.objective = ObjectiveConfig::CrossEntropy;
    let text = refused(&weighed, &examples(Some(0.5)));
    assert!(
        text.starts_with("`weigh_by_confidence` is true, allowed: false"),
        "{text}"
    );
    let attached = settings(CrsdLossConfig::new().with_queue_size(8));
    let text = refused(&attached, &examples(None));
    assert!(text.contains("set `detach_reasoned`"), "{text}");
}

#[test]
fn a_queue_that_cannot_be_read_is_refused() {
    let config = settings(
        CrsdLossConfig::new()
            .with_detach_reasoned(true)
            .with_queue_size(8),
    );
    let device = Device::default().autodiff();
    let examples = examples(None);
    let task = StudentTask::new(&examples, 3, &tokenizer(24, 40), &config, &device).unwrap();
    let error = task.load_state(b"no header").unwrap_err();
    assert!(matches!(error, StudentError::QueueState { .. }), "{error}");
    task.load_state(&[]).unwrap();
}
