//! METHOD's grid: CRSD and everything that it could be mistaken for, with the same budget.
//!
//! ```sh
//! cargo run --release --bin ablation -- --data examples/data --init models/all-minilm-l6-v2 \
//!     --seeds 3 --out runs/ablation
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use atomic_files::AtomicFile;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use relevance_distill::ablation::cell_run::{Budget, CellResult, CellRunner};
use relevance_distill::ablation::data::{AblationData, AblationPairs};
use relevance_distill::ablation::grid::{Cell, grid, select};
use relevance_distill::ablation::table::{Results, Table};
use relevance_distill::device::DeviceChoice;
use relevance_distill::error::RunError;
use relevance_distill::{failure, interrupt};
use relevance_eval::EvaluationConfig;
use sha2::{Digest, Sha256};

/// Train every cell of the ablation grid with several seeds and compare them by query.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder of the two official ESCI parquet files.
    #[arg(long)]
    data: PathBuf,
    /// Hugging Face folder of the encoder that every cell starts from.
    #[arg(long)]
    init: PathBuf,
    /// Layers of that encoder to keep, such as 0,2,4,7,9,11 of twelve; all without it.
    #[arg(long, value_delimiter = ',')]
    layers: Vec<usize>,
    /// Annotations with gold labels to train on, instead of the deterministic writer's reasons; the
    /// cells b and c need them.
    #[arg(long)]
    annotations: Option<PathBuf>,
    /// Output folder.
    #[arg(long)]
    out: PathBuf,
    /// How many seeds each cell has.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cells to run, such as a,d,e,h,i,j; all without it.
    #[arg(long, value_delimiter = ',')]
    cells: Vec<String>,
    /// Only this locale (us, es, jp); may be given several times. Default: all.
    #[arg(long)]
    locale: Vec<String>,
    /// Training pairs at most, in whole queries.
    #[arg(long)]
    max_train_pairs: Option<usize>,
    /// Optimiser steps of every cell.
    #[arg(long, default_value_t = 200)]
    max_steps: usize,
    /// Pairs a batch.
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// Peak learning rate.
    #[arg(long, default_value_t = 5e-5)]
    learning_rate: f64,
    /// Tokens of the plain view at most.
    #[arg(long, default_value_t = 64)]
    max_length: usize,
    /// Tokens of the reasoned view at most.
    #[arg(long, default_value_t = 128)]
    max_reasoned_length: usize,
    /// InfoNCE's τ.
    #[arg(long, default_value_t = 0.05)]
    temperature: f64,
    /// Weight λ of the alignment.
    #[arg(long, default_value_t = 0.1)]
    lambda: f64,
    /// flex, libtorch, libtorch-cuda:INDEX, wgpu or cuda:INDEX.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Resamples of the bootstrap over queries.
    #[arg(long, default_value_t = 2_000)]
    bootstrap_samples: usize,
    /// Go on with the grid in the output folder; finished cells are not done again.
    #[arg(long)]
    resume: bool,
}

fn main() -> ExitCode {
    interrupt::exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), RunError> {
    let device = args.device.parse::<DeviceChoice>()?.open()?;
    let cells = select(grid(args.temperature, args.lambda), &args.cells)?;
    if args.seeds == 0 {
        return Err(RunError::Option {
            option: "seeds",
            value: "0".into(),
            allowed: "at least 1".into(),
        });
    }
    if args.out.join("cells").exists() && !args.resume {
        let out = args.out.clone();
        return Err(RunError::OutputExists { out });
    }
    let data = AblationData::read(&AblationPairs {
        data: &args.data,
        annotations: args.annotations.as_deref(),
        locales: &args.locale,
        max_train_pairs: args.max_train_pairs,
        seed: args.seed,
    })?;
    let runner = CellRunner {
        init: &args.init,
        layers: &args.layers,
        classes: data.schema.names(),
        test: &data.test,
        budget: Budget {
            max_steps: args.max_steps,
            batch_size: args.batch_size,
            learning_rate: args.learning_rate,
            max_length: args.max_length,
            max_reasoned_length: args.max_reasoned_length,
        },
        data_hash: hash(&data),
        out: args.out.clone(),
        device,
        interrupt: interrupt::on_ctrl_c(),
    };
    let seeds: Vec<u64> = (0..args.seeds).map(|i| args.seed + i).collect();
    let results = all_cells(cells, &seeds, &data, &runner)?;
    let config = EvaluationConfig::new()
        .with_bootstrap_samples(args.bootstrap_samples)
        .with_seed(args.seed);
    let table = Table::new(
        &results,
        &data.test,
        &data.schema,
        &config,
        notes(args, &data),
    )?;
    let json = serde_json::to_string_pretty(&table).map_err(|source| RunError::Json {
        path: args.out.join("ablation.json"),
        source,
    })?;
    AtomicFile::write(args.out.join("ablation.json"), json + "\n")?;
    AtomicFile::write(args.out.join("ablation.html"), table.html())?;
    AtomicFile::write(args.out.join("ablation.md"), table.markdown())?;
    println!("{}", table.markdown());
    Ok(())
}

/// Seed by seed, so that a grid that is stopped has whole columns.
fn all_cells(
    cells: Vec<Cell>,
    seeds: &[u64],
    data: &AblationData,
    runner: &CellRunner<'_>,
) -> Result<Results, RunError> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cells [{elapsed}<{eta}] {msg}");
    let bar = ProgressBar::new((cells.len() * seeds.len()) as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut results: Vec<(Cell, Option<Vec<CellResult>>)> =
        cells.into_iter().map(|cell| (cell, None)).collect();
    for &seed in seeds {
        for (cell, done) in &mut results {
            bar.set_message(format!("{} seed {seed}", cell.id));
            if let Some(examples) = data.examples(cell, seed) {
                let result = match runner.finished(cell, seed)? {
                    Some(result) => result,
                    None => bar.suspend(|| runner.run(cell, seed, &examples))?,
                };
                eprintln!("{} seed {seed}: {:.0} s", cell.id, result.seconds);
                done.get_or_insert_default().push(result);
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(results)
}

/// What a reader needs to know to believe the table.
fn notes(args: &Args, data: &AblationData) -> Vec<String> {
    let reasons = match &data.teacher {
        None => {
            "Reasons: the deterministic writer, which is given the gold label (label words are \
             taken out). There is no teacher, so the cells b and c are not run."
        }
        Some(_) => "Reasons: the annotations', label words taken out.",
    };
    vec![
        format!(
            "{} training pairs, {} test pairs; every cell: {} steps of {} pairs, learning rate \
             {:e}, {} seeds, {} and {} tokens, τ {}, λ {}.",
            data.gold.len(),
            data.test.len(),
            args.max_steps,
            args.batch_size,
            args.learning_rate,
            args.seeds,
            args.max_length,
            args.max_reasoned_length,
            args.temperature,
            args.lambda,
        ),
        reasons.to_owned(),
        "Means over seeds; intervals and p values by resampling queries, paired with cell e; beside each p value \
         the one corrected for the number of cells (Holm). Only e above h, i and j together supports that the \
         content of reasons helps."
            .to_owned(),
        format!("Command: {}", failure::command_line()),
    ]
}

/// Identifies the pairs, their labels and reasons.
fn hash(data: &AblationData) -> String {
    let mut hasher = Sha256::new();
    for example in data.gold.iter().chain(data.teacher.iter().flatten()) {
        hasher.update(format!("{example:?}\n"));
    }
    for pair in &data.test {
        hasher.update(format!("{pair:?}\n"));
    }
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
