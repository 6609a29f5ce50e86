//! `evaluate`: a student folder's scores on official ESCI files.

use std::path::PathBuf;

use relevance_distill::DistillError;
use relevance_distill::esci_folder::open_esci;
use relevance_distill::evaluation::evaluate_student;
use relevance_distill::json_file::write_json;
use relevance_distill::relevance_data::{EsciFilter, LabelSchema};
use relevance_distill::relevance_eval::{EvaluationConfig, markdown_table};
use relevance_distill::student_model::Student;

use super::device::DeviceArgs;
use super::stdout::print_line;

/// Score a student folder on official ESCI files
///
/// F1, accuracy, nDCG and calibration, with bootstrap intervals over queries.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// The student's folder (Hugging Face layout, with relevance.json).
    #[arg(long)]
    student: PathBuf,
    /// Folder of the two official ESCI parquet files.
    #[arg(long)]
    data: PathBuf,
    /// The split to score.
    #[arg(long, default_value = "test")]
    split: String,
    /// Only this locale (us, es, jp); may be given several times. Default: all.
    #[arg(long)]
    locale: Vec<String>,
    /// Where the figures go, as JSON.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
    /// Resamples of the bootstrap over queries.
    #[arg(long, default_value_t = 1_000)]
    bootstrap_samples: usize,
    /// Seed of the bootstrap.
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

const AFTER_HELP: &str = "\
Reads:    --student, as run and distill leave it; --data, whose pairs of --split are scored
Leaves:   --out, all figures as JSON; standard output has the main ones as a Markdown table

Example:
  relevance-distill evaluate --student runs/two-stage/student --data examples/data --out metrics.json";

pub(super) fn run(args: &Args) -> Result<(), DistillError> {
    let config = EvaluationConfig::new()
        .with_bootstrap_samples(args.bootstrap_samples)
        .with_seed(args.seed);
    config.validate()?;
    let device = args.device.open()?;
    let schema = LabelSchema::esci();
    let student = Student::from_dir(&args.student, &device)?;
    let mut filter = EsciFilter::split(&args.split);
    if !args.locale.is_empty() {
        filter = filter.with_locales(&args.locale);
    }
    let pairs = open_esci(&args.data)?.pairs(&filter)?;
    let evaluation = evaluate_student(&student, &pairs, &schema, &config)?;
    write_json(&args.out, &evaluation)?;
    print_line(markdown_table(&[("student", &evaluation)]))
}
