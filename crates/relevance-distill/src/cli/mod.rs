//! The subcommands, one a file: what each is told, and which part of the library does it.

mod ablation;
mod choice;
mod command_line;
mod completions;
mod device;
mod distill;
mod evaluate;
mod exit;
mod interrupt;
mod objective;
mod prepare;
mod rerank;
mod run;
mod schema;
mod stdout;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use relevance_distill::DistillError;

/// From a reasoning LLM to a small, fast BERT for search relevance.
///
/// Without data or models of your own, `relevance-distill run` in a checkout of the repository does
/// everything on the pairs in examples/data and leaves a page to look at. `relevance-distill COMMAND
/// --help` says what a command reads and leaves.
#[derive(Debug, Parser)]
#[command(name = "relevance-distill", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Ctrl-C stops run, prepare, distill and ablation after the step in hand; the same command with --resume goes on
from there. Exit status: 0 done, 1 failed (one line on stderr says why), 2 wrong options, 130 stopped by Ctrl-C.";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Prepare(prepare::Args),
    Distill(distill::Args),
    Ablation(Box<ablation::Args>),
    Evaluate(evaluate::Args),
    Rerank(rerank::Args),
    Completions(completions::Args),
}

/// Reads the command line, does what it says, and tells how it went.
pub(crate) fn main() -> ExitCode {
    exit::code(dispatch(Cli::parse().command))
}

fn dispatch(command: Command) -> Result<(), DistillError> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Prepare(args) => prepare::run(&args),
        Command::Distill(args) => distill::run(&args),
        Command::Ablation(args) => ablation::run(*args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Rerank(args) => rerank::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }
}
