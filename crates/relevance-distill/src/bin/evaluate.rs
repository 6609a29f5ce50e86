//! Scores a student folder on official ESCI files.
//!
//! ```sh
//! cargo run --release --bin evaluate -- --student runs/two-stage/student --data examples/data --split test --out metrics.json
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use atomic_files::AtomicFile;
use clap::Parser;
use relevance_data::{EsciDataset, EsciFilter, LabelSchema};
use relevance_distill::device::DeviceChoice;
use relevance_distill::error::RunError;
use relevance_distill::failure;
use relevance_distill::two_stage::stages::evaluate_student;
use relevance_eval::{EvaluationConfig, markdown_table};
use student_model::Student;

/// Score a student folder on official ESCI files.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
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
    /// flex, libtorch, libtorch-cuda:INDEX, wgpu or cuda:INDEX.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Resamples of the bootstrap over queries.
    #[arg(long, default_value_t = 1_000)]
    bootstrap_samples: usize,
    /// Seed of the bootstrap.
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

fn run(args: &Args) -> Result<(), RunError> {
    let device = args.device.parse::<DeviceChoice>()?.open()?;
    let schema = LabelSchema::esci();
    let student = Student::from_dir(&args.student, &device)?;
    let mut filter = EsciFilter::split(&args.split);
    if !args.locale.is_empty() {
        filter = filter.with_locales(&args.locale);
    }
    let pairs = EsciDataset::open(&args.data)?.pairs(&filter)?;
    let config = EvaluationConfig::new()
        .with_bootstrap_samples(args.bootstrap_samples)
        .with_seed(args.seed);
    let evaluation = evaluate_student(&student, &pairs, &schema, &config)?;
    let json = serde_json::to_string_pretty(&evaluation).map_err(|source| RunError::Json {
        path: args.out.clone(),
        source,
    })?;
    AtomicFile::write(&args.out, json + "\n")?;
    println!("{}", markdown_table(&[("student", &evaluation)]));
    Ok(())
}
