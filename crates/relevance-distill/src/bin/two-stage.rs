//! Both stages of the distillation on real pairs: from product text to an evaluated student.
//!
//! ```sh
//! cargo run --release --bin two-stage
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use relevance_distill::device::DeviceChoice;
use relevance_distill::error::RunError;
use relevance_distill::two_stage::config::{Preset, Reasons, StudentLabels, TwoStageConfig};
use relevance_distill::two_stage::run::{Run, RunOptions};
use relevance_distill::{failure, interrupt};

/// Distil a reasoning teacher into a small BERT, on real query–product pairs.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
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
    #[arg(long, default_value = "quick")]
    preset: String,
    /// flex, libtorch, libtorch-cuda:INDEX, wgpu or cuda:INDEX.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Seed of everything.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Go on with the run in the output folder; finished stages are not done again.
    #[arg(long)]
    resume: bool,
    /// Labels that the students learn from: the preset's choice, gold or teacher.
    #[arg(long, value_parser = ["gold", "teacher"])]
    student_labels: Option<String>,
    /// Where the reasons come from: the preset's choice, teacher or writer.
    #[arg(long, value_parser = ["teacher", "writer"])]
    reasons: Option<String>,
    /// JSON file with a whole configuration (as in manifest.json), instead of a preset.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let interrupt = interrupt::on_ctrl_c();
    let run = |options| Run::start(options)?.all_stages();
    interrupt::exit_code(options(args, interrupt).and_then(run))
}

fn options(args: Args, interrupt: Arc<AtomicBool>) -> Result<RunOptions, RunError> {
    let mut config = match &args.config {
        Some(path) => TwoStageConfig::read(path)?,
        None => TwoStageConfig::preset(args.preset.parse::<Preset>()?, args.seed),
    };
    if !args.layers.is_empty() {
        config.student.layers = args.layers;
    }
    match args.student_labels.as_deref() {
        Some("teacher") => config.student.labels = StudentLabels::Teacher,
        Some(_) => config.student.labels = StudentLabels::Gold,
        None => {}
    }
    match args.reasons.as_deref() {
        Some("writer") => config.student.reasons = Reasons::Writer,
        Some(_) => config.student.reasons = Reasons::Teacher,
        None => {}
    }
    Ok(RunOptions {
        data: args.data,
        out: args.out,
        student_init: args.student_init,
        teacher_init: args.teacher_init,
        config,
        device: args.device.parse::<DeviceChoice>()?,
        resume: args.resume,
        command_line: failure::command_line(),
        interrupt,
    })
}
