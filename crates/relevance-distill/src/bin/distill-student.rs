//! Trains a student on any annotations file, by CRSD or by an ablation of it.
//!
//! ```sh
//! cargo run --release --bin distill-student -- --annotations runs/two-stage/annotations.jsonl \
//!     --init models/all-minilm-l6-v2 --objective crsd --out runs/student
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use atomic_files::AtomicFile;
use clap::Parser;
use relevance_data::{LabelSchema, Query, QuerySplit, read_annotations};
use relevance_distill::dev_set::DevSet;
use relevance_distill::device::DeviceChoice;
use relevance_distill::error::RunError;
use relevance_distill::objectives::ObjectiveArgs;
use relevance_distill::pretrained::{lengths, pretrained};
use relevance_distill::student_examples::{StudentLabels, student_examples};
use relevance_distill::{failure, interrupt};
use serde_json::json;
use student_model::{Student, StudentExample, StudentTrainConfig, train_student_with};
use training_loop::{TrainerOptions, TrainingConfig};

/// Train a student on annotated pairs: label, reason and, for `kd`, the teacher's distribution.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Annotations, one JSON object a line (docs/DATA.md).
    #[arg(long)]
    annotations: PathBuf,
    /// Hugging Face folder of the encoder to start from, with tokenizer.json.
    #[arg(long)]
    init: PathBuf,
    /// Layers of that encoder to keep, such as 0,2,4,7,9,11 of twelve; all without it.
    #[arg(long, value_delimiter = ',')]
    layers: Vec<usize>,
    #[command(flatten)]
    objective: ObjectiveArgs,
    /// Output folder: student/, checkpoints/ and run.json.
    #[arg(long)]
    out: PathBuf,
    /// Labels to learn from: the teacher's, as in the paper, or the human ones.
    #[arg(long, default_value = "teacher", value_parser = ["teacher", "gold"])]
    labels: String,
    /// esci, binary, or a JSON file with a label schema.
    #[arg(long, default_value = "esci")]
    schema: String,
    /// Share of the queries that is held out, to keep the best model by --metric.
    #[arg(long, default_value_t = 0.1)]
    dev_fraction: f64,
    /// What the best model is best in: macro_f1, accuracy, ndcg@10 or loss, on the held-out queries.
    #[arg(long, default_value = "macro_f1")]
    metric: String,
    /// Evaluations without a better model after which training ends; without it, it runs to its end.
    #[arg(long)]
    patience: Option<usize>,
    /// Passes over the pairs.
    #[arg(long, default_value_t = 3.0)]
    epochs: f64,
    /// Steps in all, instead of --epochs.
    #[arg(long)]
    max_steps: Option<usize>,
    /// Pairs a batch.
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// Rows of one view that are encoded at once, for batches that do not fit into memory (gradient
    /// caching: the same gradients, one more forward pass); without it, the whole batch.
    #[arg(long)]
    grad_cache_chunk_size: Option<usize>,
    /// Peak learning rate.
    #[arg(long, default_value_t = 3e-5)]
    learning_rate: f64,
    /// Tokens of the plain view at most.
    #[arg(long, default_value_t = 128)]
    max_length: usize,
    /// Tokens of the reasoned view at most.
    #[arg(long, default_value_t = 320)]
    max_reasoned_length: usize,
    /// flex, libtorch, libtorch-cuda:INDEX, wgpu or cuda:INDEX.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Seed of the held-out queries, the classifier's first weights, batches and dropout.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Go on with the run in the output folder.
    #[arg(long)]
    resume: bool,
}

fn main() -> ExitCode {
    interrupt::exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), RunError> {
    let device = args.device.parse::<DeviceChoice>()?.open()?;
    let schema = schema(&args.schema)?;
    let objective = args.objective.objective()?;
    let lengths = lengths(args.max_length, args.max_reasoned_length);
    let names = schema.names();
    let (model, tokenizer) = pretrained(
        &args.init,
        &names,
        lengths,
        &args.layers,
        args.seed,
        &device,
    )?;
    let (train, dev) = parts(args, &schema)?;
    let labels = json!({"train": label_counts(&train, &names), "dev": label_counts(&dev, &names)});
    if let [(label, count)] = &Vec::from_iter(label_counts(&train, &names))[..] {
        eprintln!(
            "warning: all {count} training labels are {label}: that is all that can be learnt"
        );
    }
    let steps_per_epoch = train.len().div_ceil(args.batch_size.max(1));
    let config = StudentTrainConfig {
        training: training(args, steps_per_epoch, !dev.is_empty()),
        objective,
        negatives: args.objective.negatives()?,
        weigh_by_confidence: args.objective.weigh_by_confidence,
        train_batch_size: args.batch_size,
        grad_cache_chunk_size: args.grad_cache_chunk_size,
        ..StudentTrainConfig::default()
    };
    config.validate()?;
    let (train_pairs, dev_pairs) = (train.len(), dev.len());
    let evaluator = match dev.is_empty() {
        true => None,
        false => Some(DevSet::new(dev, &schema)?.evaluator(tokenizer.clone())),
    };
    let options = TrainerOptions {
        output_dir: Some(args.out.join("checkpoints")),
        resume: args.resume,
        interrupt: Some(interrupt::on_ctrl_c()),
        name: args.objective.objective.clone(),
        ..TrainerOptions::default()
    };
    let report = train_student_with(model, &tokenizer, &train, &config, options, evaluator)?;
    if report.interrupted {
        let stage = format!("step {}", report.global_step);
        return Err(RunError::Interrupted { stage });
    }
    let student = Student::new(&report.model, tokenizer, &schema.gains())?;
    student.save_dir(args.out.join("student"))?;
    let best = report.best_model.as_ref();
    let summary = json!({
        "command": failure::command_line(),
        "config": config,
        "layers": args.layers,
        "train_pairs": train_pairs,
        "dev_pairs": dev_pairs,
        "labels": labels,
        "steps": report.global_step,
        "stopped_early": report.stopped_early,
        "best": best.map(|best| json!({"step": best.step, &best.metric: best.value})),
        "evaluations": report.eval_history,
        "seconds": report.runtime.as_secs_f64(),
    });
    AtomicFile::write(args.out.join("run.json"), format!("{summary:#}\n"))?;
    if let Some(best) = best {
        println!("{} {:.4} after step {}", best.metric, best.value, best.step);
    }
    println!("{}", args.out.join("student").display());
    Ok(())
}

fn training(args: &Args, steps_per_epoch: usize, evaluates: bool) -> TrainingConfig {
    let evaluates = evaluates.then_some((steps_per_epoch / 2).max(1));
    TrainingConfig {
        learning_rate: args.learning_rate,
        num_train_epochs: args.epochs,
        max_steps: args.max_steps,
        save_steps: Some((steps_per_epoch / 2).max(1)),
        eval_steps: evaluates,
        metric_for_best_model: evaluates.map(|_| args.metric.clone()),
        load_best_model_at_end: evaluates.is_some(),
        early_stopping_patience: args.patience.filter(|_| evaluates.is_some()),
        seed: args.seed,
        ..TrainingConfig::default()
    }
}

/// The pairs to train on and those to look at; no normalised query stands in both.
fn parts(
    args: &Args,
    schema: &LabelSchema,
) -> Result<(Vec<StudentExample>, Vec<StudentExample>), RunError> {
    let labels = match args.labels.as_str() {
        "gold" => StudentLabels::Gold,
        _ => StudentLabels::Teacher,
    };
    let annotations = read_annotations(&args.annotations, schema)?;
    let total = annotations.len();
    let examples = student_examples(annotations, schema, labels);
    let split = QuerySplit::new(vec![1.0 - args.dev_fraction, args.dev_fraction], args.seed)?;
    let held_out = |example: &StudentExample| split.part(&Query::new("", &example.query)) == 1;
    let (dev, train): (Vec<_>, Vec<_>) = examples.into_iter().partition(held_out);
    let hint = format!("none of the {total} annotations has a reason and a label");
    match (train.is_empty(), dev.is_empty() && args.dev_fraction > 0.0) {
        (true, _) => Err(RunError::EmptyPart {
            part: "training",
            hint,
        }),
        (_, true) => Err(RunError::EmptyPart {
            part: "dev",
            hint: "no query fell into it; give a larger --dev-fraction, or 0 for none".into(),
        }),
        _ => Ok((train, dev)),
    }
}

/// How many pairs have each label; a label that none has is left out.
fn label_counts<'a>(examples: &[StudentExample], names: &'a [String]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for example in examples {
        *counts.entry(names[example.label].as_str()).or_default() += 1;
    }
    counts
}

fn schema(name: &str) -> Result<LabelSchema, RunError> {
    match name {
        "esci" => Ok(LabelSchema::esci()),
        "binary" => Ok(LabelSchema::binary()),
        path => Ok(LabelSchema::from_json_file(path)?),
    }
}
