//! Training reward heads on a tiny Qwen3.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use causal_lm::{CausalLm, LmTokenizer};
use relevance_data::{Item, LabelSchema, Pair, PreferencePair, Query, ReplyFormat};
use reward_model::*;
use training_loop::{TrainerOptions, TrainingConfig};

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/tiny")
}

fn tokenizer() -> LmTokenizer {
    LmTokenizer::from_file(tiny().join("tokenizer.json")).unwrap()
}

fn heads(device: &Device) -> RewardHeads {
    let backbone = CausalLm::from_dir(tiny(), device).unwrap();
    let weights = [("colour".to_owned(), 1.0), ("size".to_owned(), 1.0)];
    RewardHeads::new(backbone, &DimensionWeights::new(weights).unwrap(), 3).unwrap()
}

fn config() -> RewardTrainConfig {
    let training = TrainingConfig::new()
        .with_learning_rate(1e-2)
        .with_num_train_epochs(30.0)
        .with_logging_steps(5);
    RewardTrainConfig::new()
        .with_max_length(64)
        .with_max_prompt_length(32)
        .with_train_batch_size(4)
        .with_training(training)
}

const ROWS: [(&str, &str, Option<f64>, Option<f64>); 6] = [
    (
        "query red shoe item red shoe",
        "same colour exact",
        Some(1.0),
        None,
    ),
    (
        "query blue boot item red boot",
        "same colour exact",
        Some(0.0),
        None,
    ),
    (
        "query small sock item small sock",
        "same size exact",
        None,
        Some(1.0),
    ),
    (
        "query small sock item large sock",
        "same size exact",
        None,
        Some(0.0),
    ),
    (
        "query green shoe item green shoe",
        "good match",
        Some(0.8),
        Some(0.5),
    ),
    ("query item", "bad", None, None),
];

fn examples() -> Vec<RegressionExample> {
    let example = |&(prompt, reply, colour, size): &(&str, &str, Option<f64>, Option<f64>)| {
        RegressionExample {
            prompt: prompt.to_owned(),
            reply: reply.to_owned(),
            targets: vec![colour, size],
        }
    };
    ROWS.iter().map(example).collect()
}

fn pairs() -> Vec<PreferencePair> {
    let pair = |(prompt, chosen, rejected): (&str, &str, &str)| PreferencePair {
        prompt: prompt.to_owned(),
        chosen: chosen.to_owned(),
        rejected: rejected.to_owned(),
        ..Default::default()
    };
    [
        (
            "query red shoe item red shoe",
            "same colour exact",
            "other colour irrelevant",
        ),
        (
            "query blue boot item blue sock",
            "not the same irrelevant",
            "the same match exact good",
        ),
        ("query green sock item green sock", "exact", "bad"),
        (
            "query small shoe item large shoe",
            "other size irrelevant",
            "same size is a match exact",
        ),
    ]
    .map(pair)
    .to_vec()
}

#[test]
fn regression_fits_what_is_present() {
    let device = Device::flex().autodiff();
    let report = train_regression(
        heads(&device),
        &tokenizer(),
        &examples(),
        &config(),
        TrainerOptions::default(),
    )
    .unwrap();
    assert!(!report.model.device().is_autodiff(), "ready for inference");
    let (first, last) = (&report.log_history[0], report.log_history.last().unwrap());
    assert!(
        last.loss < 0.05 && last.loss < 0.5 * first.loss,
        "{} -> {}",
        first.loss,
        last.loss
    );
    assert!(last.metrics["mse/colour"].is_finite() && last.metrics["mse/size"].is_finite());
    let rows = ROWS.map(|(prompt, reply, ..)| (prompt, reply));
    let scores = report
        .model
        .score(&tokenizer(), &rows, &config().limits())
        .unwrap();
    for (score, row) in scores.iter().zip(&ROWS) {
        for (&score, target) in score.iter().zip([row.2, row.3]) {
            if let Some(target) = target {
                assert!(
                    (f64::from(score) - target).abs() < 0.35,
                    "{score}, target {target}"
                );
            }
        }
    }
}

#[test]
fn pairwise_training_learns_the_preferences() {
    let plain = Device::flex(); // moved to the autodiff device by the training
    let with_margin = config().with_margin(0.5);
    let report = train_pairwise(
        heads(&plain),
        &tokenizer(),
        &pairs(),
        &[],
        &with_margin,
        TrainerOptions::default(),
    )
    .unwrap();
    // Nothing was held out: what these pairs say of the heads is no evidence.
    assert_eq!(report.held_out, None);
    assert_eq!(report.verdict(), HeadsVerdict::NotMeasured);
    assert!(report.training.model.reference_reward().is_some());
    let report = report.training;
    assert!(!report.model.device().is_autodiff(), "ready for inference");
    let (first, last) = (&report.log_history[0], report.log_history.last().unwrap());
    assert_eq!(last.metrics["accuracy"], 1.0);
    assert!(last.metrics["margin"] > first.metrics["margin"] + 0.5);
    assert!(last.loss < 0.5 * first.loss);
    assert!(last.metrics.contains_key("tokens_per_second"));
}

#[test]
fn a_frozen_backbone_stays() {
    let device = Device::flex().autodiff();
    let frozen = config().with_freeze_backbone(true);
    let bytes = |model: &CausalLm| {
        let dir = tempfile::tempdir().unwrap();
        model.save_dir(dir.path()).unwrap();
        std::fs::read(dir.path().join("model.safetensors")).unwrap()
    };
    let start = heads(&device);
    let before = bytes(start.backbone());
    let run = |config| {
        train_regression(
            start.clone(),
            &tokenizer(),
            &examples(),
            config,
            TrainerOptions::default(),
        )
        .unwrap()
    };
    let report = run(&frozen);
    assert_eq!(bytes(report.model.backbone()), before);
    let (first, last) = (&report.log_history[0], report.log_history.last().unwrap());
    assert!(last.loss < first.loss);
    assert_ne!(bytes(run(&config()).model.backbone()), before);
}

#[test]
fn a_saved_model_scores_the_same() {
    let (model, tokenizer) = (heads(&Device::flex()), tokenizer());
    let rows = [("query red shoe", "same colour"), ("query", "bad match")];
    let limits = config().limits();
    let dir = tempfile::tempdir().unwrap();
    model.save_dir(dir.path()).unwrap();
    let back = RewardHeads::from_dir(dir.path(), &Device::flex()).unwrap();
    assert_eq!(back.dimensions(), ["colour", "size"]);
    let expected = model.score(&tokenizer, &rows, &limits).unwrap();
    assert_eq!(back.score(&tokenizer, &rows, &limits).unwrap(), expected);

    std::fs::remove_file(dir.path().join("reward_heads.bpk")).unwrap();
    let error = RewardHeads::from_dir(dir.path(), &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(error.contains("reward_heads.bpk"), "{error}");
}

#[test]
fn a_learned_head_is_a_dimension() {
    let (schema, format) = (LabelSchema::esci(), ReplyFormat::default());
    let limits = config().limits();
    let dimension =
        |name| LearnedDimension::new(heads(&Device::flex()), tokenizer(), format, limits, name);
    let reward = CompositeReward::gate(format)
        .with_dimension(Box::new(dimension("size").unwrap()), 1.0)
        .unwrap();
    let pair = Pair {
        query: Query::new("q", "red shoe"),
        item: Item::new("i", "red shoe"),
    };
    let input = RewardInput {
        prompt: "query red shoe",
        pair: &pair,
        gold: None,
        schema: &schema,
    };
    let text = "same colour\n<label>Exact</label>";
    let score = reward.score(text, &input).unwrap();
    let raw = heads(&Device::flex())
        .score(&tokenizer(), &[(input.prompt, text)], &limits)
        .unwrap();
    assert_eq!(
        score.dimension("size"),
        Some(f64::from(raw[0][1]).clamp(0.0, 1.0))
    );
    let error = dimension("taste").unwrap_err().to_string();
    assert!(error.contains("`taste`; allowed: colour, size"), "{error}");
}

/// `count` prompts of two words, each with a pair that `chosen` and `rejected` give.
fn prompts(
    count: usize,
    reply: impl Fn(usize) -> (&'static str, &'static str),
) -> Vec<PreferencePair> {
    let words = [
        "red", "blue", "green", "shoe", "boot", "sock", "small", "large",
    ];
    let pair = |i: usize| {
        let (chosen, rejected) = reply(i);
        PreferencePair {
            prompt: format!("query {} item {}", words[i / 8], words[i % 8]),
            chosen: chosen.into(),
            rejected: rejected.into(),
            ..Default::default()
        }
    };
    (0..count).map(pair).collect()
}

fn short(config: RewardTrainConfig) -> RewardTrainConfig {
    let training = TrainingConfig::new()
        .with_learning_rate(1e-2)
        .with_num_train_epochs(3.0);
    config.with_training(training)
}

#[test]
fn heads_that_learnt_something_beat_chance_on_unseen_pairs() {
    let run = |pairs: &[PreferencePair]| {
        let options = TrainerOptions::default();
        let (train, held_out) = split_by_prompt(pairs.to_vec(), 0.25, 1).unwrap();
        train_pairwise(
            heads(&Device::flex()),
            &tokenizer(),
            &train,
            &held_out,
            &short(config()),
            options,
        )
        .unwrap()
    };
    let dimension = |report: &PairwiseReport| {
        let limits = config().limits();
        report
            .dimension(tokenizer(), ReplyFormat::default(), limits)
            .unwrap()
    };
    let report = run(&prompts(32, |_| ("good match", "bad")));
    let held_out = report.held_out.as_ref().unwrap();
    assert_eq!((held_out.pairs, held_out.prompts), (8, 8));
    assert_eq!(held_out.accuracy, 1.0);
    assert_eq!(report.verdict(), HeadsVerdict::BetterThanChance);
    let learned = dimension(&report).expect("worth using");
    assert_eq!(learned.name(), "learned_preference");

    // Which of the two words is better is a coin's word: the heads can learn it by heart only.
    let coin = |i: usize| match (i * 2654435761) >> 7 & 1 {
        0 => ("good", "bad"),
        _ => ("bad", "good"),
    };
    let report = run(&prompts(32, coin));
    assert_eq!(
        report.verdict(),
        HeadsVerdict::NoBetterThanChance,
        "{:?}",
        report.held_out
    );
    assert!(dimension(&report).is_none());
}

#[test]
fn the_learned_preference_is_a_probability_around_the_reference() {
    let (tokenizer, format, limits) = (tokenizer(), ReplyFormat::default(), config().limits());
    let pairs = prompts(32, |_| {
        (
            "good match\n<label>Exact</label>",
            "bad\n<label>Exact</label>",
        )
    });
    let options = TrainerOptions::default();
    let report = train_pairwise(
        heads(&Device::flex()),
        &tokenizer,
        &pairs,
        &[],
        &short(config()),
        options,
    )
    .unwrap();
    let model = &report.training.model;
    let dir = tempfile::tempdir().unwrap();
    model.save_dir(dir.path()).unwrap();
    let back = RewardHeads::from_dir(dir.path(), &Device::flex()).unwrap();
    assert_eq!(back.reference_reward(), model.reference_reward());

    let learned = LearnedDimension::reward(back, tokenizer.clone(), format, limits).unwrap();
    let reward = CompositeReward::gate(format)
        .with_dimension(Box::new(learned), 1.0)
        .unwrap();
    let schema = LabelSchema::esci();
    let pair = Pair {
        query: Query::new("q", "red shoe"),
        item: Item::new("i", "red shoe"),
    };
    let input = RewardInput {
        prompt: &pairs[0].prompt,
        pair: &pair,
        gold: None,
        schema: &schema,
    };
    let of = |text: &str| reward.score(text, &input).unwrap().reward;
    let (good, bad) = (of(&pairs[0].chosen), of(&pairs[0].rejected));
    assert!(bad < 0.5 && 0.5 < good, "{bad}, {good}");
    let raw = model
        .score(&tokenizer, &[(input.prompt, &pairs[0].chosen)], &limits)
        .unwrap();
    let distance = model.mean_of(&raw[0]) - model.reference_reward().unwrap();
    assert!((good - 1.0 / (1.0 + (-distance).exp())).abs() < 1e-9);
}

#[test]
fn pairs_that_cutting_makes_equal_are_left_out_and_told_of() {
    let mut pairs = pairs();
    pairs[0].chosen = "same same exact".into();
    pairs[0].rejected = "same same irrelevant".into();
    let cut = config().with_max_length(8).with_max_prompt_length(6);
    let run = |pairs: &[PreferencePair]| {
        let options = TrainerOptions::default();
        train_pairwise(
            heads(&Device::flex()),
            &tokenizer(),
            pairs,
            &[],
            &cut,
            options,
        )
    };
    let report = run(&pairs).unwrap();
    let warnings = &report.training.log_history[0].warnings;
    assert!(
        warnings[0].starts_with("1 of 4 pairs: left out"),
        "{warnings:?}"
    );
    let error = run(&pairs[..1]).unwrap_err();
    assert!(matches!(error, RewardError::NoExamples { .. }), "{error}");
}

#[test]
fn bad_examples_are_named() {
    let device = Device::flex().autodiff();
    let regression = |examples: &[RegressionExample]| {
        train_regression(
            heads(&device),
            &tokenizer(),
            examples,
            &config(),
            TrainerOptions::default(),
        )
        .unwrap_err()
        .to_string()
    };
    let mut short = examples();
    short[2].targets.pop();
    assert_eq!(
        regression(&short),
        "example 2, field `targets`: 1 targets for 2 dimensions"
    );
    let mut nan = examples();
    nan[1].targets[0] = Some(f64::NAN);
    assert_eq!(
        regression(&nan),
        "example 1, field `targets`: NaN is not finite"
    );
    assert_eq!(regression(&[]), "no example to fit the reward heads on");
    let mut empty = pairs();
    empty[3].rejected = String::new();
    let error = train_pairwise(
        heads(&device),
        &tokenizer(),
        &empty,
        &[],
        &config(),
        TrainerOptions::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "example 3, field `rejected`: it is empty"
    );
    let narrow = config().limits().with_max_length(32);
    let error = heads(&device)
        .score(&tokenizer(), &[("a", "b")], &narrow)
        .unwrap_err();
    assert!(error.to_string().contains("`max_length` is 32"), "{error}");
    let long = config().limits().with_max_length(65);
    let error = heads(&device).score(&tokenizer(), &[("a", "b")], &long);
    assert_eq!(
        error.unwrap_err().to_string(),
        "`max_length` is 65, allowed: at most 64, the model's `max_position_embeddings`"
    );
    let error = train_pairwise(
        heads(&device),
        &tokenizer(),
        &pairs(),
        &pairs()[2..3],
        &config(),
        TrainerOptions::default(),
    );
    assert!(matches!(
        error.unwrap_err(),
        RewardError::HeldOutPrompt { row: 0 }
    ));
    let mut same = pairs();
    same[1].rejected = same[1].chosen.clone();
    let error = train_pairwise(
        heads(&device),
        &tokenizer(),
        &same,
        &[],
        &config(),
        TrainerOptions::default(),
    );
    let message = error.unwrap_err().to_string();
    assert!(
        message.starts_with("example 1, field `rejected`: it is the same"),
        "{message}"
    );
}
