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
    RewardTrainConfig {
        limits: LengthLimits {
            max_length: 64,
            max_prompt_length: 32,
            batch_size: 4,
        },
        training: TrainingConfig {
            learning_rate: 1e-2,
            num_train_epochs: 30.0,
            logging_steps: 5,
            ..Default::default()
        },
        ..Default::default()
    }
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
        .score(&tokenizer(), &rows, &config().limits)
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
    let with_margin = RewardTrainConfig {
        margin: 0.5,
        ..config()
    };
    let report = train_pairwise(
        heads(&plain),
        &tokenizer(),
        &pairs(),
        &with_margin,
        TrainerOptions::default(),
    )
    .unwrap();
    let (first, last) = (&report.log_history[0], report.log_history.last().unwrap());
    assert_eq!(last.metrics["accuracy"], 1.0);
    assert!(last.metrics["margin"] > first.metrics["margin"] + 0.5);
    assert!(last.loss < 0.5 * first.loss);
    assert!(last.metrics.contains_key("tokens_per_second"));
}

#[test]
fn a_frozen_backbone_stays() {
    let device = Device::flex().autodiff();
    let frozen = RewardTrainConfig {
        freeze_backbone: true,
        ..config()
    };
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
    let limits = config().limits;
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
    let limits = config().limits;
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
        &config(),
        TrainerOptions::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "example 3, field `rejected`: it has no token"
    );
    let narrow = LengthLimits {
        max_length: 33,
        ..config().limits
    };
    let error = heads(&device)
        .score(&tokenizer(), &[("a", "b")], &narrow)
        .unwrap_err();
    assert!(error.to_string().contains("`max_length` is 33"), "{error}");
}
