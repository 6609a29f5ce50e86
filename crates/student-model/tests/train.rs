//! Training with both objectives, and what is refused before it starts.

#![cfg(feature = "train")]

mod student;

use std::collections::BTreeMap;
use std::error::Error;

use burn::tensor::Device;
use crsd_loss::CrsdLossConfig;
use student::{config, reason, tokenizer};
use student_model::{
    BertForSequenceClassification, Evaluator, NegativePolicy, ObjectiveConfig, StudentError,
    StudentExample, StudentTask, StudentTrainConfig, StudentTrainer, ViewBatch, predict,
    train_student, train_wordpiece,
};
use training_loop::{LogEntry, Progress, TrainTask, TrainerOptions, TrainingConfig};

/// The item fits if it has the query's noun, and exactly if it has its colour too.
fn examples() -> Vec<StudentExample> {
    let (colours, nouns) = (
        ["red", "blue", "black"],
        ["mouse", "keyboard", "cable", "lamp"],
    );
    let mut examples = Vec::new();
    for noun in nouns {
        for colour in colours {
            for (other_colour, other_noun) in [(colour, noun), ("wireless", noun), (colour, "usb")]
            {
                let label =
                    usize::from(other_colour != colour) + 2 * usize::from(other_noun != noun);
                let query = format!("{colour} {noun}");
                let item = format!("{other_colour} {other_noun}");
                let why = ["same colour", "other colour", "other"][label];
                let example = StudentExample::new(query, item, label)
                    .with_reason(reason(format!("the query asks {noun}, {why}")))
                    .with_teacher_probabilities(teacher(label))
                    .with_teacher_confidence(0.9);
                examples.push(example);
            }
        }
    }
    examples
}

/// A teacher that gives the label nine tenths.
fn teacher(label: usize) -> Vec<f32> {
    let mut probabilities = vec![0.1 / (config().num_labels() - 1) as f32; config().num_labels()];
    probabilities[label] = 0.9;
    probabilities
}

fn model(seed: u64) -> BertForSequenceClassification {
    config().init(seed, &Device::default().autodiff()).unwrap()
}

fn settings(objective: ObjectiveConfig, max_steps: usize) -> StudentTrainConfig {
    let training = TrainingConfig::new()
        .with_learning_rate(3e-3)
        .with_max_steps(max_steps)
        .with_logging_steps(5);
    StudentTrainConfig::new()
        .with_training(training)
        .with_objective(objective)
        .with_train_batch_size(9)
}

fn quiet() -> TrainerOptions {
    TrainerOptions::new().with_progress(Progress::Hidden)
}

fn accuracy(model: &BertForSequenceClassification) -> f64 {
    let examples = examples();
    let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
    let distributions = predict(model, &tokenizer(24, 40), &pairs, 16).unwrap();
    let right = distributions
        .rows()
        .into_iter()
        .zip(&examples)
        .filter(|(p, example)| p.iter().all(|other| *other <= p[example.label]));
    right.count() as f64 / examples.len() as f64
}

fn metric(entry: &LogEntry, name: &str) -> f64 {
    *entry
        .metrics
        .get(name)
        .unwrap_or_else(|| panic!("{name} is not in {entry:?}"))
}

#[test]
fn cross_entropy_learns_a_rule() {
    let config = settings(ObjectiveConfig::CrossEntropy, 60);
    let report =
        train_student(model(1), &tokenizer(24, 40), &examples(), &config, quiet()).unwrap();
    assert_eq!(report.global_step, 60);
    let last = report.log_history.last().unwrap();
    assert_eq!(metric(last, "loss_sce"), last.loss);
    assert!(!last.metrics.contains_key("loss_align"));
    let found = accuracy(&report.model);
    assert!(found > 0.95, "accuracy {found}, {last:?}");
}

#[test]
fn crsd_learns_the_rule_and_brings_the_views_together() {
    let loss = CrsdLossConfig::new().with_lambda(0.5);
    let config = settings(ObjectiveConfig::Crsd(loss), 60);
    let report =
        train_student(model(1), &tokenizer(24, 40), &examples(), &config, quiet()).unwrap();
    let [first, .., last] = &report.log_history[..] else {
        panic!("too few entries")
    };
    // λ rises from 0 over the first tenth of the steps: 0, 1/6, ..., 4/6 in the first five.
    assert!(
        (metric(first, "lambda") - 0.5 * 2.0 / 6.0).abs() < 1e-9,
        "{first:?}"
    );
    assert_eq!(metric(last, "lambda"), 0.5);
    let sum =
        metric(last, "loss_sce") + metric(last, "loss_tce") + 0.5 * metric(last, "loss_align");
    assert!((sum - last.loss).abs() < 1e-5, "{last:?}");
    for name in ["loss_sce", "loss_tce", "loss_align", "alignment"] {
        assert!(
            metric(last, name) < metric(first, name),
            "{name}: {first:?} {last:?}"
        );
    }
    assert!(metric(last, "diagonal_accuracy") > metric(first, "diagonal_accuracy"));
    for name in [
        "accuracy",
        "accuracy_reasoned",
        "uniformity",
        "positive_similarity",
        "negative_similarity",
    ] {
        metric(last, name);
    }
    let found = accuracy(&report.model);
    assert!(found > 0.95, "accuracy {found}, {last:?}");
}

#[test]
fn the_same_seed_gives_the_same_run_and_a_plain_model_trains_too() {
    let config = settings(ObjectiveConfig::CrossEntropy, 4);
    let losses = |device: Device, seed: u64| {
        let mut config = config.clone();
        config.training.seed = seed;
        config.training.logging_steps = 1;
        let model = student::config().init(1, &device).unwrap();
        let report =
            train_student(model, &tokenizer(24, 40), &examples(), &config, quiet()).unwrap();
        report
            .log_history
            .iter()
            .map(|entry| entry.loss)
            .collect::<Vec<_>>()
    };
    let expected = losses(Device::default().autodiff(), 1);
    assert_eq!(losses(Device::default().autodiff(), 1), expected);
    assert_eq!(losses(Device::default(), 1), expected);
    assert_ne!(losses(Device::default(), 2), expected);
}

#[test]
fn batches_hold_both_views_with_their_own_padding_and_mask_copies() {
    let mut some = examples()[..3].to_vec();
    some.push(some[0].clone());
    let device = Device::default();
    let batch = |config: &StudentTrainConfig| {
        let task = StudentTask::new(&some, 3, &tokenizer(24, 40), config, &device).unwrap();
        assert_eq!(task.num_batches(), 1);
        task.batch(0, 0, 0).unwrap()
    };
    let crsd = settings(ObjectiveConfig::default(), 1);
    let found = batch(&crsd);
    let only = |view: &ViewBatch| view.chunks[0].input.clone();
    let standard = only(&found.standard);
    let reasoned = only(&found.reasoned.unwrap());
    let ([b, t], [b_reasoned, t_reasoned]) = (standard.dims(), reasoned.dims());
    assert_eq!((b, b_reasoned), (4, 4));
    assert!(t_reasoned > t);
    assert!(
        standard.attention_mask.is_none(),
        "all rows are of one length"
    );
    assert!(reasoned.attention_mask.is_some());
    let usable: Vec<bool> = found
        .negatives
        .unwrap()
        .usable()
        .into_data()
        .iter()
        .collect();
    let masked = usable.iter().filter(|usable| !**usable).count();
    assert_eq!(masked, 4 + 2, "the diagonal, and the copy from both sides");

    let all = crsd.clone().with_negatives(NegativePolicy::All);
    assert!(batch(&all).negatives.is_none());
    let query = crsd.with_negatives(NegativePolicy::ExceptSameQuery);
    let usable: Vec<bool> = batch(&query)
        .negatives
        .unwrap()
        .usable()
        .into_data()
        .iter()
        .collect();
    assert!(
        usable.iter().all(|usable| !usable),
        "all four share the query"
    );
    assert!(
        batch(&settings(ObjectiveConfig::CrossEntropy, 1))
            .reasoned
            .is_none()
    );
}

#[test]
fn epochs_cover_every_example_once() {
    let config = settings(ObjectiveConfig::CrossEntropy, 1);
    let task = StudentTask::new(
        &examples(),
        3,
        &tokenizer(24, 40),
        &config,
        &Device::default(),
    )
    .unwrap();
    let epoch = |epoch: usize| {
        let batches = (0..task.num_batches()).map(|i| task.batch(epoch, i, 0).unwrap());
        batches
            .map(|b| {
                b.standard.chunks[0]
                    .input
                    .input_ids
                    .clone()
                    .into_data()
                    .iter::<i64>()
                    .collect()
            })
            .collect::<Vec<Vec<i64>>>()
    };
    assert_eq!(task.num_batches(), 4);
    assert_eq!(epoch(0), epoch(0));
    assert_ne!(epoch(0), epoch(1));
}

#[test]
fn examples_that_cannot_be_trained_on_are_named() {
    let refused = |objective: ObjectiveConfig, edit: fn(&mut StudentExample)| {
        let mut examples = examples();
        edit(&mut examples[4]);
        let config = settings(objective, 1);
        train_student(model(1), &tokenizer(24, 40), &examples, &config, quiet()).map(|_| ())
    };
    let crsd = ObjectiveConfig::default;
    let error = refused(crsd(), |e| e.reason = None)
        .unwrap_err()
        .to_string();
    let expected = r#"example 4 (query "blue mouse"): no reason, which the objective crsd needs for every example"#;
    assert_eq!(error, expected);
    refused(ObjectiveConfig::CrossEntropy, |e| e.reason = None).unwrap();
    let error = refused(crsd(), |e| e.label = 3).unwrap_err().to_string();
    assert!(
        error.ends_with("label 3 is not below 3, the model's classes"),
        "{error}"
    );
    let error = refused(crsd(), |e| e.query = "".into())
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("the query is empty"), "{error}");

    let config = settings(crsd(), 1);
    let none = train_student(model(1), &tokenizer(24, 40), &[], &config, quiet());
    assert!(matches!(none, Err(StudentError::NoExamples)));
    let long = train_student(model(1), &tokenizer(24, 400), &examples(), &config, quiet());
    let error = long.unwrap_err().to_string();
    let expected =
        "`max_reasoned_length` is 400, allowed: at most 40, the model's max_position_embeddings";
    assert_eq!(error, expected);
}

#[test]
fn a_loss_that_is_not_finite_names_the_step() {
    let mut config = settings(ObjectiveConfig::CrossEntropy, 50);
    config.training.learning_rate = 1e30;
    config.training.warmup_ratio = 0.0;
    config.training.max_grad_norm = 0.0;
    let error =
        train_student(model(1), &tokenizer(24, 40), &examples(), &config, quiet()).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, StudentError::Train(_)) && text.contains("at step"),
        "{text}"
    );
}

#[test]
fn a_wordpiece_vocabulary_is_trained_the_same_each_time() {
    let texts = || {
        examples()
            .into_iter()
            .map(|e| format!("{} {} Ünïcode-Words 12", e.query, e.item))
    };
    let tokenizer = train_wordpiece(texts(), 60).unwrap();
    assert!(tokenizer.get_vocab_size(true) <= 60);
    for (id, token) in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        .iter()
        .enumerate()
    {
        assert_eq!(tokenizer.token_to_id(token), Some(id as u32));
    }
    let encoding = tokenizer.encode(("Red MOUSE", "unicode"), true).unwrap();
    assert_eq!(encoding.get_tokens()[0], "[CLS]");
    assert!(
        !encoding.get_tokens().contains(&"[UNK]".to_owned()),
        "{:?}",
        encoding.get_tokens()
    );
    assert_eq!(
        tokenizer.decode(encoding.get_ids(), true).unwrap(),
        "red mouse unicode"
    );
    let reversed: Vec<_> = texts().collect::<Vec<_>>().into_iter().rev().collect();
    let again = train_wordpiece(reversed, 60).unwrap();
    assert_eq!(
        tokenizer.to_string(false).unwrap(),
        again.to_string(false).unwrap()
    );

    let nothing: [&str; 1] = [" "];
    assert!(matches!(
        train_wordpiece(nothing, 60),
        Err(StudentError::Tokenizer { .. })
    ));
    assert!(matches!(
        train_wordpiece(texts(), 10),
        Err(StudentError::InvalidConfig { .. })
    ));
}

#[test]
fn the_trained_model_is_for_inference() {
    let config = settings(ObjectiveConfig::CrossEntropy, 2);
    for device in [Device::default(), Device::default().autodiff()] {
        let model = student::config().init(1, &device).unwrap();
        let report = train_student(model, &tokenizer(24, 40), &examples(), &config, quiet());
        let trained = report.unwrap().model;
        assert!(!trained.device().is_autodiff());
        // It can be trained further as it is.
        train_student(trained, &tokenizer(24, 40), &examples(), &config, quiet()).unwrap();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the held-out file is gone")]
struct HeldOutGone;

#[test]
fn an_evaluators_own_error_is_kept_as_the_source() {
    let mut config = settings(ObjectiveConfig::CrossEntropy, 4);
    config.training.eval_steps = Some(2);
    let run = |evaluator| {
        StudentTrainer::new(&config, quiet())
            .unwrap()
            .with_evaluator(evaluator)
            .train(model(1), &tokenizer(24, 40), &examples())
            .unwrap_err()
    };
    let error = run(Evaluator::new(|_| {
        Err::<BTreeMap<String, f64>, _>(HeldOutGone)
    }));
    let expected = "evaluation after step 2: the evaluator failed: the held-out file is gone";
    assert_eq!(error.to_string(), expected);
    let kept = error.source().unwrap();
    assert!(matches!(
        kept.downcast_ref(),
        Some(StudentError::Evaluation { .. })
    ));
    assert!(kept.source().unwrap().is::<HeldOutGone>());

    // An error of this crate is not wrapped.
    let error = run(Evaluator::new(|model| {
        predict(model, &tokenizer(24, 40), &[("red", "lamp")], 0)?;
        Ok::<_, StudentError>(BTreeMap::new())
    }));
    let kept = error.source().unwrap().downcast_ref();
    assert!(
        matches!(kept, Some(StudentError::InvalidConfig { .. })),
        "{error}"
    );

    let error = StudentTrainer::new(&config, quiet()).unwrap();
    let error = error.train(model(1), &tokenizer(24, 40), &examples());
    let expected = "`eval_steps` is 2, allowed: absent where there is no evaluator";
    assert_eq!(error.unwrap_err().to_string(), expected);
}

#[test]
fn dropout_is_on_in_training_only() {
    let shape = student_model::BertConfig {
        hidden_dropout_prob: 0.3,
        ..config()
    };
    let device = Device::default().autodiff();
    let model = shape.init(1, &device).unwrap();
    let settings = settings(ObjectiveConfig::CrossEntropy, 1);
    let task = StudentTask::new(&examples(), 3, &tokenizer(24, 40), &settings, &device).unwrap();
    let batch = task.batch(0, 0, 0).unwrap().standard.chunks.remove(0).input;
    let logits = || model.forward(&batch).logits.into_data();
    assert_ne!(logits(), logits());
    let pairs = [("red mouse", "red mouse"), ("red", "mouse")];
    let probabilities = || predict(&model, &tokenizer(24, 40), &pairs, 2).unwrap();
    assert_eq!(probabilities(), probabilities());
}
