//! How the program ends: one clear line where it failed, and an exit status.

use std::error::Error;
use std::process::ExitCode;

use relevance_distill::DistillError;

/// The exit status of a process that Ctrl-C ended.
pub(super) const INTERRUPTED: u8 = 130;

/// The exit status; an error is one line on stderr.
pub(super) fn code(result: Result<(), DistillError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ DistillError::Interrupted { .. }) => {
            eprintln!("{error}");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("error: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// The message of `error`, with those of its causes that it does not already contain.
fn one_line(error: &dyn Error) -> String {
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
