//! The program `relevance-distill`: options and messages. The work is the library's.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
