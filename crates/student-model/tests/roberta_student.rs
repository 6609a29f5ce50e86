//! A RoBERTa student from a Hugging Face folder to a ranker: tokenizer, training, saving, ranking. What is
//! left where `STUDENT_DIR` says is opened with `transformers` by `goldens/check_saved.py`.

#![cfg(feature = "train")]

mod goldens;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use crsd_loss::CrsdLossConfig;
use goldens::folder;
use pair_tokenizer::{PairTemplate, PairTokenizer, PairTokenizerConfig};
use student_model::{
    BertForSequenceClassification, ModelType, ObjectiveConfig, Ranker, SaveOptions, Student,
    StudentError, StudentExample, StudentReason, StudentTrainConfig, WeightType, predict,
    train_student,
};
use training_loop::{Progress, TrainerOptions, TrainingConfig};

const LABELS: [&str; 2] = ["Relevant", "Irrelevant"];
const FOLDERS: [(&str, ModelType); 2] = [
    ("tiny-roberta", ModelType::Roberta),
    ("tiny-xlm-roberta", ModelType::XlmRoberta),
];

/// Queries and items in three languages; an item belongs to the query beside it.
const PAIRS: [(&str, &str); 6] = [
    ("usb cable", "braided usb cable"),
    ("red mouse", "wireless red mouse"),
    ("cable usb c", "cable trenzado usb c"),
    ("ratón rojo", "ratón inalámbrico rojo"),
    ("usb ケーブル", "ナイロン usb ケーブル"),
    ("赤 マウス", "静音 赤 マウス"),
];

fn tokenizer(name: &str) -> PairTokenizer {
    let lengths = PairTokenizerConfig::default()
        .with_max_length(48)
        .with_max_reasoned_length(64)
        .with_min_query_length(20);
    PairTokenizer::from_dir(folder().join(name), lengths).unwrap()
}

fn examples() -> Vec<StudentExample> {
    let mut examples = Vec::new();
    for (i, (query, _)) in PAIRS.iter().enumerate() {
        for (j, (_, item)) in PAIRS.iter().enumerate() {
            // As many of the one as of the other.
            if i != j && j != (i + 3) % PAIRS.len() {
                continue;
            }
            let reason = if i == j {
                "all words are there"
            } else {
                "no word is there"
            };
            let reason = StudentReason::leaking_the_label(reason);
            let example = StudentExample::new(*query, *item, usize::from(i != j));
            examples.push(example.with_reason(reason));
        }
    }
    examples
}

/// The two outer layers of the checkpoint under a fresh classifier, trained by CRSD.
fn trained(name: &str) -> BertForSequenceClassification {
    let device = Device::default();
    let start = folder().join(name);
    let start =
        BertForSequenceClassification::from_pretrained_encoder(start, &LABELS, 3, &device).unwrap();
    let last = start.config().num_hidden_layers - 1;
    let start = start.with_layers(&[0, last]).unwrap();
    let training = TrainingConfig::new()
        .with_learning_rate(3e-3)
        .with_max_steps(250);
    let config = StudentTrainConfig::new()
        .with_training(training)
        .with_objective(ObjectiveConfig::Crsd(CrsdLossConfig::new()))
        .with_train_batch_size(12);
    let options = TrainerOptions::new().with_progress(Progress::Hidden);
    let report = train_student(start, &tokenizer(name), &examples(), &config, options).unwrap();
    let (first, last) = (report.log_history.first(), report.log_history.last());
    println!(
        "{name}: loss {:?} to {:?}",
        first.map(|e| e.loss),
        last.map(|e| e.loss)
    );
    report.model
}

fn right(name: &str, model: &BertForSequenceClassification) -> usize {
    let examples = examples();
    let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
    let found = predict(model, &tokenizer(name), &pairs, 8).unwrap();
    let right = found
        .rows()
        .into_iter()
        .zip(&examples)
        .filter(|(p, e)| p[e.label] > 0.5);
    right.count()
}

/// What `check_saved.py` reads.
fn leave_answers(folder: &Path, ranker: &Ranker) {
    let tokenizer = ranker.student().tokenizer();
    let scores = ranker.score_pairs(&PAIRS).unwrap();
    let cases = PAIRS.iter().zip(&scores).map(|((query, item), score)| {
        let ids = tokenizer.encode(query, item).unwrap().ids;
        serde_json::json!({"query": query, "item": item, "ids": ids, "probabilities": score.probabilities})
    });
    let text = serde_json::to_string(&cases.collect::<Vec<_>>()).unwrap();
    std::fs::write(folder.with_extension("logits.json"), text).unwrap();
}

#[test]
fn a_student_is_trained_saved_and_ranks() {
    let temporary = tempfile::tempdir().unwrap();
    let asked = std::env::var_os("STUDENT_DIR").map(PathBuf::from);
    for (name, model_type) in FOLDERS {
        let model = trained(name);
        let (all, right) = (examples().len(), right(name, &model));
        assert!(right + 1 >= all, "{name}: {right} of {all}");
        let student = Student::new(&model, tokenizer(name), &[1.0, 0.0]).unwrap();
        let saved = asked.as_deref().unwrap_or(temporary.path()).join(name);
        // In shards, as another test of them.
        let options = SaveOptions {
            max_shard_size: Some(40_000),
            ..SaveOptions::default()
        };
        student.save_dir_with(&saved, &options).unwrap();
        assert!(saved.join("model.safetensors.index.json").exists());

        let ranker = Ranker::from_dir(&saved, &Device::default()).unwrap();
        let config = ranker.student().model().config();
        assert_eq!(
            (config.model_type, config.num_hidden_layers),
            (model_type, 2)
        );
        assert_eq!(config.labels(), LABELS);
        assert_eq!(
            ranker.student().tokenizer().template(),
            PairTemplate::Roberta
        );
        let before = Ranker::new(student).score_pairs(&PAIRS).unwrap();
        assert_eq!(ranker.score_pairs(&PAIRS).unwrap(), before);
        let items = [PAIRS[4].1, PAIRS[1].1];
        assert_eq!(
            ranker.rank(PAIRS[1].0, &items).unwrap()[0].index,
            1,
            "{name}"
        );
        // A row's length changes nothing: padding has no positions and no weight.
        for (pair, together) in PAIRS.iter().zip(&before) {
            let alone = ranker.score_pairs(&[*pair]).unwrap();
            assert!(
                (alone[0].score - together.score).abs() < 1e-5,
                "{name}: {pair:?}"
            );
        }
        if asked.is_some() {
            leave_answers(&saved, &ranker);
            let half = SaveOptions {
                weight_type: WeightType::Bf16,
                ..SaveOptions::default()
            };
            ranker
                .student()
                .save_dir_with(saved.with_extension("bf16"), &half)
                .unwrap();
        }
    }
    if asked.is_none() {
        println!("nothing left behind: STUDENT_DIR is not set");
    }
}

#[test]
fn a_tokenizer_that_does_not_fit_is_refused() {
    let device = Device::default();
    let refused = |model: &BertForSequenceClassification, tokenizer: PairTokenizer| {
        let gains = vec![0.0; model.config().num_labels()];
        Student::new(model, tokenizer, &gains)
            .unwrap_err()
            .to_string()
    };
    let model =
        BertForSequenceClassification::from_dir(folder().join("tiny-roberta"), &device).unwrap();
    let with = |edit: &dyn Fn(&mut PairTokenizerConfig)| {
        let mut config = tokenizer("tiny-roberta").config().clone();
        edit(&mut config);
        PairTokenizer::from_file(folder().join("tiny-roberta/tokenizer.json"), config).unwrap()
    };
    Student::new(&model, with(&|_| {}), &[0.0; 4]).unwrap();
    Student::new(&model, with(&|config| config.max_length = 64), &[0.0; 4]).unwrap();
    assert_eq!(
        refused(&model, with(&|config| config.max_length = 65)),
        "`max_length` is 65, allowed: at most 64, the model's 66 max_position_embeddings from 2 on"
    );
    assert_eq!(
        refused(&model, with(&|config| config.template = PairTemplate::Bert)),
        "`type_vocab_size` is 1, allowed: at least 2, the segments of the tokenizer's pairs"
    );
    assert_eq!(
        refused(
            &model,
            with(&|config| config.pad_token = "<unk>".to_owned())
        ),
        "`pad_token_id` is 1, allowed: 3, the tokenizer's: a roberta skips it"
    );
    // The same before training.
    let error = train_student(
        model,
        &with(&|config| config.max_reasoned_length = 66),
        &examples(),
        &StudentTrainConfig::default(),
        TrainerOptions::default(),
    );
    let error = error.err().unwrap();
    assert!(
        matches!(&error, StudentError::InvalidConfig { field, .. } if field == "max_reasoned_length"),
        "{error}"
    );
}
