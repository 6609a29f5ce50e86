//! `run`: both stages of the distillation on real pairs.

use std::path::PathBuf;

use relevance_distill::DistillError;
use relevance_distill::pipeline::{Pipeline, PipelineConfig, PipelineOptions, Preset, Reasons};
use relevance_distill::relevance_eval::markdown_table;
use relevance_distill::student_examples::StudentLabels;

use super::choice::choice;
use super::command_line::command_line;
use super::device::DeviceArgs;
use super::interrupt::on_ctrl_c;
use super::stdout::print_line;

/// Distil a reasoning teacher into a small BERT: both stages, from real pairs to an evaluated student
///
/// A decoder learns the domain's texts and to reason, is preference-optimised against a reward, and labels
/// and explains the pairs of a search log; a BERT learns from these by cross entropy alone and by CRSD; all
/// are scored on pairs that none has seen.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Folder of the two official ESCI parquet files.
    #[arg(long, default_value = "examples/data")]
    data: PathBuf,
    /// Output folder.
    #[arg(long, default_value = "runs/two-stage")]
    out: PathBuf,
    /// Hugging Face folder of a BERT or RoBERTa to start the student from; without it the student starts from
    /// nothing.
    #[arg(long)]
    student_init: Option<PathBuf>,
    /// Layers of that encoder that the student keeps, such as 0,2,4,7,9,11 of twelve; all without it.
    #[arg(long, value_delimiter = ',', requires = "student_init")]
    layers: Vec<usize>,
    /// Hugging Face folder of a Qwen or Llama decoder (with tokenizer.json) to start the teacher
    /// from; without it the teacher starts from nothing.
    #[arg(long)]
    teacher_init: Option<PathBuf>,
    /// smoke (a minute or two), quick (under ten minutes) or esci (an hour or so).
    #[arg(long, default_value = "quick", value_parser = choice::<Preset>(&Preset::NAMES))]
    preset: Preset,
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of everything.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Go on with the run in the output folder; finished stages are not done again.
    #[arg(long)]
    resume: bool,
    /// Labels that the students learn from, instead of the preset's choice.
    #[arg(long, value_parser = choice::<StudentLabels>(&["gold", "teacher"]))]
    student_labels: Option<StudentLabels>,
    /// Where the reasons come from, instead of the preset's choice.
    #[arg(long, value_parser = choice::<Reasons>(&["teacher", "writer"]))]
    reasons: Option<Reasons>,
    /// JSON file with a whole configuration (the object `config` of a manifest.json), instead of a preset.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Reads:
  --data          the two official ESCI files; examples/data is a sample, found from the repository's root
  --student-init, --teacher-init    checkpoints to start from, if there are any

Leaves in --out:
  report.html           the page to look at
  metrics.json          the figures of every system
  student/, teacher/    Hugging Face folders (student-ce/: the student without CRSD)
  annotations.jsonl     the log pairs with label, reason and confidence
  replies.jsonl, preferences.jsonl    what the teacher was optimised on
  manifest.json         configuration, hashes of the inputs, what each stage found; --resume reads it
  stages/               checkpoints and logs

Examples:
  relevance-distill run
  relevance-distill run --preset esci --data esci --student-init models/all-minilm-l6-v2 --out runs/esci
  relevance-distill run --out runs/esci --resume ...           (with the options of before)";

pub(super) fn run(args: Args) -> Result<(), DistillError> {
    let mut pipeline = Pipeline::open(options(args)?)?;
    pipeline.run_all()?;
    let systems = pipeline.folder().metrics().read()?;
    print_line(markdown_table(&systems.named()))?;
    print_line(pipeline.folder().report().display())
}

fn options(args: Args) -> Result<PipelineOptions, DistillError> {
    let mut config = match &args.config {
        Some(path) => PipelineConfig::read(path)?,
        None => PipelineConfig::preset(args.preset, args.seed),
    };
    if !args.layers.is_empty() {
        config.student.layers = args.layers;
    }
    if let Some(labels) = args.student_labels {
        config.student.labels = labels;
    }
    if let Some(reasons) = args.reasons {
        config.student.reasons = reasons;
    }
    Ok(PipelineOptions {
        data: args.data,
        out: args.out,
        student_init: args.student_init,
        teacher_init: args.teacher_init,
        config,
        device: args.device.device,
        resume: args.resume,
        command_line: command_line(),
        interrupt: on_ctrl_c(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::choice::tests::check;

    #[test]
    fn every_name_is_one_of_its_option() {
        check::<Preset>(&Preset::NAMES);
        check::<StudentLabels>(&["gold", "teacher"]);
        check::<Reasons>(&["teacher", "writer"]);
    }
}
