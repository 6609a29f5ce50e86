//! `ablation`: METHOD's grid.

use std::path::PathBuf;

use relevance_distill::DistillError;
use relevance_distill::ablation::{Ablation, AblationConfig};
use relevance_distill::job::Job;

use super::command_line::command_line;
use super::device::DeviceArgs;
use super::interrupt::on_ctrl_c;
use super::stdout::print_line;

/// Compare CRSD with everything that it could be mistaken for, with the same budget
///
/// Every cell of METHOD's grid is trained with several seeds on the same pairs and scored on the same test
/// pairs; the table has intervals and paired tests over queries.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
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
    #[arg(long, alias = "batch-size", default_value_t = 32)]
    train_batch_size: usize,
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
    #[command(flatten)]
    device: DeviceArgs,
    /// Resamples of the bootstrap over queries.
    #[arg(long, default_value_t = 2_000)]
    bootstrap_samples: usize,
    /// Go on with the grid in the output folder; finished cells are not done again.
    #[arg(long)]
    resume: bool,
}

const AFTER_HELP: &str = "\
Reads:    --data, ESCI's splits train and test; --annotations, if there are any; --init
Leaves in --out:
  ablation.md, ablation.html, ablation.json    the table; standard output has it as Markdown
  cells/CELL-seedN/                            each cell's scores of the test pairs; --resume goes by them

Cells: a, b, c cross entropy on gold labels, on the teacher's, the teacher's distribution; d both views, no
alignment; e CRSD; f, g other alignments; h R-Drop; i, j reasons shuffled, the bare label; k reasoned side
detached; l other negatives (l-all, l-query, l-item, l-label, l-sup-con).

Example:
  relevance-distill ablation --data examples/data --init models/all-minilm-l6-v2 --cells a,d,e,h,i,j \\
    --seeds 3 --out runs/ablation";

pub(super) fn run(args: Args) -> Result<(), DistillError> {
    let config = config(&args);
    config.validate()?;
    let job = Job {
        device: args.device.open()?,
        resume: args.resume,
        command_line: command_line(),
        interrupt: on_ctrl_c(),
    };
    let ablation = Ablation {
        data: args.data,
        init: args.init,
        annotations: args.annotations,
        out: args.out,
    };
    print_line(ablation.run(&config, &job)?.markdown())
}

fn config(args: &Args) -> AblationConfig {
    let mut config = AblationConfig::default();
    config.cells.clone_from(&args.cells);
    config.seeds = args.seeds;
    config.seed = args.seed;
    config.locales.clone_from(&args.locale);
    config.max_train_pairs = args.max_train_pairs;
    config.layers.clone_from(&args.layers);
    config.budget.max_steps = args.max_steps;
    config.budget.train_batch_size = args.train_batch_size;
    config.budget.learning_rate = args.learning_rate;
    config.budget.max_length = args.max_length;
    config.budget.max_reasoned_length = args.max_reasoned_length;
    config.temperature = args.temperature;
    config.lambda = args.lambda;
    config.bootstrap_samples = args.bootstrap_samples;
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let line = ["test", "--data", "a", "--init", "b", "--out", "c"];
        assert_eq!(
            config(&Line::parse_from(line).args),
            AblationConfig::default()
        );
    }
}
