//! A student from annotations, and a grid of them, from a tiny encoder.

use std::path::{Path, PathBuf};

use relevance_distill::DistillError;
use relevance_distill::ablation::{Ablation, AblationConfig};
use relevance_distill::burn::tensor::Device;
use relevance_distill::distill::{Distill, DistillConfig};
use relevance_distill::job::Job;
use relevance_distill::pair_tokenizer::PairTokenizer;
use relevance_distill::pipeline::{PipelineConfig, Preset};
use relevance_distill::relevance_data::{
    AnnotatedPair, EsciDataset, EsciFilter, LabelSchema, Provenance, RationaleWriter,
    write_annotations,
};
use relevance_distill::student_model::{Ranker, Student, train_wordpiece};
use relevance_distill::training_loop::Interrupt;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

/// An encoder of a few thousand numbers, as a Hugging Face folder.
fn encoder(folder: &Path) -> PathBuf {
    let mut config = PipelineConfig::preset(Preset::Smoke, 3).student;
    (config.hidden_size, config.num_hidden_layers) = (32, 2);
    let schema = LabelSchema::esci();
    let tokenizer = train_wordpiece(["red usb cable for a phone", "garden hose, 20 m"], 300);
    let tokenizer = tokenizer.expect("a vocabulary");
    let tokenizer = PairTokenizer::from_tokenizer(tokenizer, config.lengths()).expect("BERT's");
    let bert = config.encoder(tokenizer.id_bound(), &schema.names());
    let model = bert.init(3, &Device::default()).expect("valid");
    let student = Student::new(&model, tokenizer, &schema.gains()).expect("they fit");
    let path = folder.join("encoder");
    student.save_dir(&path).expect("saved");
    path
}

/// Pairs of the sample with the deterministic writer's reasons.
fn annotations(folder: &Path) -> PathBuf {
    let schema = LabelSchema::esci();
    let dataset = EsciDataset::open(data()).expect("the sample");
    let pairs = dataset.pairs(&EsciFilter::split("train")).expect("pairs");
    let writer = RationaleWriter::new(schema.clone());
    let rows: Vec<AnnotatedPair> = pairs
        .iter()
        // Of many queries: neighbours in the file share one.
        .step_by(60)
        .take(48)
        .map(|pair| AnnotatedPair {
            pair: pair.pair.clone(),
            label: pair.label,
            rationale: writer.write(pair),
            confidence: 1.0,
            gold: Some(pair.label),
            probabilities: None,
            provenance: Provenance::default(),
        })
        .collect();
    let path = folder.join("annotations.jsonl");
    write_annotations(&path, &rows, &schema).expect("written");
    path
}

fn job(resume: bool) -> Job {
    Job {
        device: Device::default(),
        resume,
        command_line: "relevance-distill".into(),
        interrupt: Interrupt::new(),
    }
}

/// One test: burn's generator of dropout masks belongs to the process.
#[test]
fn students_are_trained_chosen_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let (init, annotations) = (encoder(folder.path()), annotations(folder.path()));
    distill(folder.path(), &init, &annotations);
    ablation(folder.path(), &init);
}

fn distill(folder: &Path, init: &Path, annotations: &Path) {
    let schema = LabelSchema::esci();
    let mut config = DistillConfig::default();
    (config.max_length, config.max_reasoned_length) = (24, 40);
    config.dev_fraction = 0.3;
    config.layers = vec![0];
    config.student.train_batch_size = 8;
    config.student.training.num_train_epochs = 2.0;
    let train = |out: &str, job: &Job| {
        let out = folder.join(out);
        let distill = Distill {
            annotations,
            schema: &schema,
            init,
            out: &out,
        };
        distill.run(&config, job)
    };
    let whole = train("whole", &job(false)).expect("trained");
    assert!(whole.train_pairs > 0 && whole.dev_pairs > 0);
    assert_eq!(whole.train_pairs + whole.dev_pairs, 48);
    let best = whole.best_model.as_ref().expect("held-out queries");
    assert_eq!(best.metric, "eval_macro_f1");
    let ranker = Ranker::from_dir(&whole.student, &Device::default()).expect("opens");
    assert_eq!(
        ranker.rank("usb cable", &["a", "b"]).expect("ranks").len(),
        2
    );
    let run = std::fs::read_to_string(folder.join("whole/run.json")).expect("a summary");
    let run: serde_json::Value = serde_json::from_str(&run).expect("JSON");
    assert_eq!(run["train_pairs"], whole.train_pairs);
    assert_eq!(
        run["config"]["training"]["eval_steps"],
        run["config"]["training"]["save_steps"]
    );

    let cut = job(false);
    cut.interrupt.request();
    let error = train("cut", &cut).expect_err("stopped");
    assert!(matches!(error, DistillError::Interrupted { .. }), "{error}");
    let resumed = train("cut", &job(true)).expect("goes on");
    assert_eq!(resumed.best_model, whole.best_model);
    let weights = |found: &Path| std::fs::read(found.join("model.safetensors")).expect("weights");
    assert!(weights(&resumed.student) == weights(&whole.student));
}

fn ablation(folder: &Path, init: &Path) {
    let mut config = AblationConfig::default();
    config.cells = ["a", "b", "e"].map(str::to_owned).into();
    config.seeds = 1;
    config.max_train_pairs = Some(24);
    config.bootstrap_samples = 20;
    config.budget.max_steps = 2;
    config.budget.train_batch_size = 4;
    (config.budget.max_length, config.budget.max_reasoned_length) = (24, 40);
    let out = folder.join("grid");
    let grid = Ablation {
        data: data(),
        init: init.into(),
        annotations: None,
        out: out.clone(),
    };
    let table = grid.run(&config, &job(false)).expect("a grid");
    let row = |id: &str| table.rows.iter().find(|row| row.id == id).expect("a row");
    assert!(row("a").against_reference.is_some() && row("e").figures.is_some());
    assert!(row("b").figures.is_none(), "there is no teacher");
    for file in ["ablation.md", "ablation.html", "ablation.json"] {
        assert!(out.join(file).exists(), "{file}");
    }
    let error = grid.run(&config, &job(false)).expect_err("a grid is there");
    assert!(
        matches!(error, DistillError::OutputExists { .. }),
        "{error}"
    );
    // Nothing is trained again: without the encoder it could not be.
    std::fs::remove_dir_all(init).expect("removed");
    let again = grid.run(&config, &job(true)).expect("resumed");
    assert_eq!(again.markdown(), table.markdown());
    config.budget.max_steps = 3;
    let error = grid.run(&config, &job(true)).expect_err("other settings");
    assert!(
        matches!(error, DistillError::ResumeMismatch { .. }),
        "{error}"
    );
}
