//! A tiny teacher, from nothing to annotations.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use causal_lm::{CausalLm, CausalLmConfig, GenerationConfig, LmTokenizer};
use relevance_data::{
    Item, Label, LabelSchema, LabeledPair, Pair, Query, RationaleWriter, ReplyFormat,
    read_annotations,
};
use teacher_train::{
    AnnotateConfig, PretrainConfig, PromptTemplate, SftConfig, Teacher, TeacherError,
    domain_documents, pretrain, sft, sft_examples, train_bpe_tokenizer,
};
use training_loop::{Interrupt, Progress, TrainerOptions, TrainingConfig};

fn pairs() -> Vec<LabeledPair> {
    let schema = LabelSchema::esci();
    let things = ["usb cable", "garden hose", "desk lamp", "water bottle"];
    let mut pairs = Vec::new();
    for (q, query) in things.iter().enumerate() {
        for (i, thing) in things.iter().enumerate() {
            let item = Item {
                brand: "Acme".into(),
                ..Item::new(format!("B{i}"), format!("Acme {thing}, black"))
            };
            let label = if q == i { "Exact" } else { "Irrelevant" };
            pairs.push(LabeledPair {
                pair: Pair {
                    query: Query::new(q.to_string(), *query),
                    item,
                },
                label: schema.parse(label).expect("a label of the schema"),
            });
        }
    }
    pairs
}

fn tokenizer(pairs: &[LabeledPair], template: &PromptTemplate) -> LmTokenizer {
    let texts = pairs.iter().map(|pair| template.render(&pair.pair, 50));
    let reasons = pairs.iter().map(|pair| {
        RationaleWriter::new(LabelSchema::esci())
            .write(pair)
            .as_str()
            .to_owned()
    });
    let tags = pairs
        .iter()
        .map(|pair| ReplyFormat::tag(pair.label, &LabelSchema::esci()));
    let texts: Vec<String> = texts.chain(reasons).chain(tags).collect();
    train_bpe_tokenizer(texts, 420).expect("trains")
}

fn model(tokenizer: &LmTokenizer) -> CausalLm {
    CausalLmConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        max_position_embeddings: 512,
        eos_token_id: vec![tokenizer.eos_id()],
        ..CausalLmConfig::default()
    }
    .init(1, &Device::flex())
    .expect("a valid config")
}

fn training(max_steps: usize) -> TrainingConfig {
    TrainingConfig::new()
        .with_learning_rate(3e-3)
        .with_max_steps(max_steps)
        .with_logging_steps(1)
}

fn quiet() -> TrainerOptions {
    TrainerOptions::new()
        .with_progress(Progress::Hidden)
        .with_name("test")
}

fn teacher() -> Teacher {
    let template = PromptTemplate::compact(&LabelSchema::esci());
    let tokenizer = tokenizer(&pairs(), &template);
    Teacher {
        model: model(&tokenizer),
        tokenizer,
        template,
        schema: LabelSchema::esci(),
        max_prompt_length: 100,
    }
}

#[test]
fn pretraining_and_fine_tuning_lower_the_loss() {
    let pairs = pairs();
    let schema = LabelSchema::esci();
    let template = PromptTemplate::compact(&schema);
    let tokenizer = tokenizer(&pairs, &template);
    let config = PretrainConfig::new()
        .with_context_length(64)
        .with_train_batch_size(2)
        .with_training(training(40));
    let documents = domain_documents(&pairs, &schema);
    let report =
        pretrain(model(&tokenizer), &tokenizer, &documents, &config, quiet()).expect("trains");
    let (first, last) = (&report.log_history[0], &report.log_history[39]);
    assert!(
        last.loss < 0.8 * first.loss,
        "{} to {}",
        first.loss,
        last.loss
    );

    let writer = RationaleWriter::new(schema.clone());
    let labelled = pairs.iter().map(|pair| (pair, writer.write(pair)));
    let examples = sft_examples(labelled, &template, &schema, &tokenizer, 256).expect("fit");
    assert!(
        examples
            .iter()
            .all(|example| example.completion.ends_with("</label>"))
    );
    assert!(!report.model.device().is_autodiff(), "ready for inference");
    let config = SftConfig::new()
        .with_max_length(256)
        .with_train_batch_size(4)
        .with_training(training(40));
    let report = sft(report.model, &tokenizer, &examples, &config, quiet()).expect("trains");
    let (first, last) = (&report.log_history[0], &report.log_history[39]);
    assert!(
        last.loss < 0.8 * first.loss,
        "{} to {}",
        first.loss,
        last.loss
    );
    assert!(!report.model.device().is_autodiff(), "ready for inference");
}

#[test]
fn a_label_distribution_sums_to_one_and_does_not_depend_on_the_batch() {
    let teacher = teacher();
    let pairs: Vec<Pair> = pairs().into_iter().take(5).map(|pair| pair.pair).collect();
    let together = teacher.label_probabilities(&pairs, 8, 64).expect("scores");
    for (row, probabilities) in together.iter().enumerate() {
        assert_eq!(probabilities.len(), 4);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let alone = teacher
            .label_probabilities(&pairs[row..=row], 8, 1)
            .expect("scores");
        for (a, b) in probabilities.iter().zip(&alone[0]) {
            assert!((a - b).abs() < 1e-4, "row {row}: {a} and {b}");
        }
    }
}

#[test]
fn a_reasoning_that_fills_the_context_still_gets_a_verdict() {
    let mut teacher = teacher();
    let pairs: Vec<Pair> = pairs().into_iter().take(2).map(|pair| pair.pair).collect();
    let longest = teacher
        .prompts(&pairs)
        .expect("fit")
        .iter()
        .map(|prompt| teacher.tokenizer.encode(prompt).expect("encodes").len())
        .max()
        .expect("two prompts");
    // The random model's reply never ends, and the context ends with it.
    teacher.model = CausalLmConfig {
        max_position_embeddings: longest + 20,
        ..teacher.model.config().clone()
    }
    .init(1, &Device::flex())
    .expect("a valid config");
    let probabilities = teacher.label_probabilities(&pairs, 20, 8).expect("scores");
    assert!(
        probabilities
            .iter()
            .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9)
    );
}

fn annotate_config() -> AnnotateConfig {
    AnnotateConfig::new()
        .with_generation(GenerationConfig {
            max_new_tokens: 6,
            do_sample: true,
            num_return_sequences: 2,
            ..GenerationConfig::default()
        })
        .with_chunk_size(4)
}

/// A teacher that has learnt to reply: without it no reply of a random model can be parsed.
fn fluent_teacher() -> Teacher {
    let mut teacher = teacher();
    let schema = LabelSchema::esci();
    let pairs = pairs();
    let short = |pair: &LabeledPair| {
        relevance_data::Rationale::new(if pair.label.index() == 0 {
            "same"
        } else {
            "other"
        })
    };
    let labelled = pairs.iter().map(|pair| (pair, short(pair)));
    let examples = sft_examples(
        labelled,
        &teacher.template,
        &schema,
        &teacher.tokenizer,
        256,
    )
    .expect("fit");
    let config = SftConfig::new()
        .with_max_length(256)
        .with_train_batch_size(8)
        .with_training(training(120).with_learning_rate(1e-2));
    let report = sft(
        teacher.model,
        &teacher.tokenizer,
        &examples,
        &config,
        quiet(),
    )
    .expect("trains");
    teacher.model = report.model;
    teacher
}

#[test]
fn an_interrupted_annotation_ends_with_the_same_file() {
    let teacher = fluent_teacher();
    let labelled = pairs();
    let gold: Vec<Label> = labelled.iter().map(|pair| pair.label).collect();
    let pairs: Vec<Pair> = labelled.into_iter().map(|pair| pair.pair).collect();
    let config = annotate_config().with_generation(GenerationConfig {
        max_new_tokens: 40,
        ..annotate_config().generation
    });
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole.jsonl");
    let report = teacher
        .annotate(&pairs, Some(&gold), &whole, &config, &Interrupt::new())
        .expect("annotates");
    assert_eq!(report.replies, 2 * pairs.len());
    assert_eq!(report.annotated + report.failures.len(), pairs.len());
    assert!(report.annotated > pairs.len() / 2, "{report:?}");
    let read = read_annotations(&whole, &teacher.schema).expect("reads back");
    assert_eq!(read.len(), report.annotated);
    assert!(
        read.iter()
            .all(|row| row.gold.is_some() && row.confidence > 0.0)
    );

    // Stopped before the first chunk, then cut off within a line, as a killed process leaves it.
    let resumed = folder.path().join("resumed.jsonl");
    let stop = Interrupt::new();
    stop.request();
    let early = teacher
        .annotate(&pairs, Some(&gold), &resumed, &config, &stop)
        .expect("stops");
    assert!(early.interrupted && !resumed.exists());
    let partial = folder.path().join("resumed.jsonl.partial");
    let mut text = fs::read_to_string(&partial).expect("is there");
    text.push_str("{\"winner\":null,\"parse_fail");
    fs::write(&partial, text).expect("written");
    let again = teacher
        .annotate(&pairs, Some(&gold), &resumed, &config, &Interrupt::new())
        .expect("goes on");
    assert_eq!(again, report);
    let bytes = |path: &Path| fs::read(path).expect("is there");
    assert_eq!(bytes(&whole), bytes(&resumed));
    assert!(!partial.exists());
}

#[test]
fn a_partial_file_of_another_run_is_refused() {
    let teacher = teacher();
    let pairs: Vec<Pair> = pairs().into_iter().take(6).map(|pair| pair.pair).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.jsonl");
    let stop = Interrupt::new();
    stop.request();
    let config = annotate_config();
    teacher
        .annotate(&pairs, None, &out, &config, &stop)
        .expect("stops");
    let error = teacher
        .annotate(&pairs[..5], None, &out, &config, &Interrupt::new())
        .expect_err("other pairs");
    assert!(
        matches!(error, TeacherError::Partial { line: 1, .. }),
        "{error}"
    );
    // A random model's replies cannot be parsed: every pair is reported, none is dropped in silence.
    let report = teacher
        .annotate(&pairs, None, &out, &config, &Interrupt::new())
        .expect("annotates");
    assert_eq!(report.failures.len(), pairs.len());
    assert_eq!(report.parse_failures, report.replies);
    assert!(
        report
            .failures
            .iter()
            .all(|failure| !failure.reason.is_empty())
    );
}

#[test]
fn a_saved_teacher_judges_the_same() {
    let teacher = teacher();
    let dir = tempfile::tempdir().expect("a folder");
    teacher.save_dir(dir.path()).expect("saves");
    let again = Teacher::from_dir(dir.path(), &Device::flex()).expect("reads back");
    let pairs: Vec<Pair> = pairs().into_iter().take(3).map(|pair| pair.pair).collect();
    assert_eq!(
        again.label_probabilities(&pairs, 8, 8).expect("scores"),
        teacher.label_probabilities(&pairs, 8, 8).expect("scores")
    );
    let path = dir.path().join("teacher.json");
    let json = fs::read_to_string(&path).expect("is there");
    fs::write(
        &path,
        json.replace("\"max_prompt_length\": 100", "\"max_prompt_length\": 512"),
    )
    .expect("written");
    let error = Teacher::from_dir(dir.path(), &Device::flex()).expect_err("no room for a reply");
    let expected = "`max_prompt_length` is 512, allowed: 1 to 511, below the model's context";
    assert_eq!(error.to_string(), expected);
    fs::write(&path, json.replace("max_prompt_length", "max_promt_length")).expect("written");
    let error = Teacher::from_dir(dir.path(), &Device::flex()).expect_err("an unknown key");
    assert!(matches!(error, TeacherError::TeacherFile { .. }), "{error}");
    assert!(error.to_string().contains("max_promt_length"), "{error}");
    fs::remove_file(&path).expect("removed");
    let error = Teacher::from_dir(dir.path(), &Device::flex()).expect_err("a decoder, no teacher");
    assert!(error.to_string().contains("teacher.json"), "{error}");
}

#[test]
fn lengths_above_the_context_and_foreign_tokenizers_are_refused() {
    let teacher = teacher();
    let long = SftConfig::new()
        .with_max_length(513)
        .with_training(training(1));
    let example = relevance_data::SftExample {
        prompt: "usb".into(),
        completion: "cable".into(),
    };
    let train = |model: &CausalLm, config: &SftConfig| {
        let examples = std::slice::from_ref(&example);
        sft(model.clone(), &teacher.tokenizer, examples, config, quiet())
            .expect_err("refused")
            .to_string()
    };
    let expected =
        "`max_length` is 513, allowed: at most 512, the model's `max_position_embeddings`";
    assert_eq!(train(&teacher.model, &long), expected);
    let small = CausalLmConfig {
        vocab_size: 8,
        eos_token_id: Vec::new(),
        ..teacher.model.config().clone()
    };
    let small = small.init(1, &Device::flex()).expect("a valid config");
    let message = train(&small, &long.with_max_length(64));
    assert!(message.contains("`vocab_size` is 8"), "{message}");
}
