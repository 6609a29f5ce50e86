//! `completions`: what a shell needs to complete this program's options.

use clap::Command;
use clap_complete::{Shell, generate};
use relevance_distill::DistillError;

use super::stdout::print;

/// Print a completion script for a shell
///
/// Reads nothing and leaves nothing: the script goes to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

const AFTER_HELP: &str = "\
Examples:
  relevance-distill completions bash > ~/.local/share/bash-completion/completions/relevance-distill
  relevance-distill completions zsh > ~/.zfunc/_relevance-distill      (with ~/.zfunc in fpath)
  relevance-distill completions fish > ~/.config/fish/completions/relevance-distill.fish";

/// `command` is the whole program's.
pub(super) fn run(args: &Args, mut command: Command) -> Result<(), DistillError> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    generate(args.shell, &mut command, name, &mut script);
    print(script)
}
