//! `distill`: a student from any annotations file.

use std::path::PathBuf;

use relevance_distill::DistillError;
use relevance_distill::distill::{Distill, DistillConfig, METRICS};
use relevance_distill::job::Job;
use relevance_distill::student_examples::StudentLabels;

use super::choice::choice;
use super::command_line::command_line;
use super::device::DeviceArgs;
use super::interrupt::on_ctrl_c;
use super::objective::ObjectiveArgs;
use super::schema::schema;
use super::stdout::print_line;

/// Train a student on annotated pairs, by CRSD or an ablation of it
///
/// The annotations give label, reason and, for --objective kd, the teacher's distribution. A share of the
/// queries is held out; the student is the model that is best on them.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
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
    /// Output folder.
    #[arg(long)]
    out: PathBuf,
    /// Labels to learn from: the teacher's, as in the paper, or the human ones.
    #[arg(long, default_value = "teacher", value_parser = choice::<StudentLabels>(LABELS))]
    labels: StudentLabels,
    /// esci, wands, binary, or a JSON file with a label schema.
    #[arg(long, default_value = "esci")]
    schema: String,
    /// Share of the queries that is held out, to keep the best model by --metric.
    #[arg(long, default_value_t = 0.1)]
    dev_fraction: f64,
    /// What the best model is best in, on the held-out queries.
    #[arg(long, default_value = METRICS[0], value_parser = METRICS)]
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
    #[arg(long, alias = "batch-size", default_value_t = 32)]
    train_batch_size: usize,
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
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of the held-out queries, the classifier's first weights, batches and dropout.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Go on with the run in the output folder.
    #[arg(long)]
    resume: bool,
}

const LABELS: &[&str] = &["teacher", "gold"];

const AFTER_HELP: &str = "\
Reads:    --annotations, as run leaves them, or your own; --init, a BERT, RoBERTa or XLM-RoBERTa
Leaves in --out:
  student/        a Hugging Face folder, for evaluate, rerank and student_model::Ranker
  run.json        settings, counts of labels, evaluations, the best step
  checkpoints/    what --resume goes on from

Example:
  relevance-distill distill --annotations runs/two-stage/annotations.jsonl --init models/all-minilm-l6-v2 \\
    --objective crsd --labels gold --out runs/student";

pub(super) fn run(args: &Args) -> Result<(), DistillError> {
    let config = config(args)?;
    let job = Job {
        device: args.device.open()?,
        resume: args.resume,
        command_line: command_line(),
        interrupt: on_ctrl_c(),
    };
    let distill = Distill {
        annotations: &args.annotations,
        schema: &schema(&args.schema)?,
        init: &args.init,
        out: &args.out,
    };
    let distilled = distill.run(&config, &job)?;
    if let Some(best) = distilled.best_model {
        print_line(format!(
            "{} {:.4} after step {}",
            best.metric, best.value, best.step
        ))?;
    }
    print_line(distilled.student.display())
}

fn config(args: &Args) -> Result<DistillConfig, DistillError> {
    let mut config = DistillConfig::default();
    config.labels = args.labels;
    config.layers.clone_from(&args.layers);
    config.max_length = args.max_length;
    config.max_reasoned_length = args.max_reasoned_length;
    config.dev_fraction = args.dev_fraction;
    config.metric.clone_from(&args.metric);
    config.patience = args.patience;
    let student = &mut config.student;
    student.objective = args.objective.objective()?;
    student.negatives = args.objective.negatives;
    student.weigh_by_confidence = args.objective.weigh_by_confidence;
    student.train_batch_size = args.train_batch_size;
    student.grad_cache_chunk_size = args.grad_cache_chunk_size;
    student.training.learning_rate = args.learning_rate;
    student.training.num_train_epochs = args.epochs;
    student.training.max_steps = args.max_steps;
    student.training.seed = args.seed;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::choice::tests::check;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        check::<StudentLabels>(LABELS);
        let line = ["test", "--annotations", "a", "--init", "b", "--out", "c"];
        let found = config(&Line::parse_from(line).args).expect("valid");
        assert_eq!(found, DistillConfig::default());
        found.validate().expect("valid");
    }
}
