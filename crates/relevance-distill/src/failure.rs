//! How a recipe ends when it fails: one clear line and a non-zero exit.

use std::error::Error;
use std::process::ExitCode;

/// Prints `error` and what caused it on one line of stderr; the exit code is 1.
pub fn report(error: &dyn Error) -> ExitCode {
    eprintln!("error: {}", one_line(error));
    ExitCode::FAILURE
}

/// The message of `error`, with those of its causes that it does not already contain.
pub fn one_line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !line.contains(&message) {
            line.push_str(": ");
            line.push_str(&message);
        }
        cause = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The command that was typed, with the program's folder left out.
pub fn command_line() -> String {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let program = program
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_string();
    std::iter::once(program)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the file is bad")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("line 7:\n  no comma")]
    struct Inner;

    #[test]
    fn a_failure_is_one_line_with_its_cause() {
        assert_eq!(one_line(&Outer(Inner)), "the file is bad: line 7: no comma");
    }
}
