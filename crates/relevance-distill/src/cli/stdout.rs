//! What goes to standard output.

use std::io::{self, ErrorKind, Write};

use relevance_distill::DistillError;

/// Writes a text. A reader that goes away has enough (`| head`): that is no failure.
pub(super) fn print(text: impl AsRef<[u8]>) -> Result<(), DistillError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_ref()).and_then(|()| out.flush());
    match written {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(DistillError::Io {
            path: "standard output".into(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Writes a line.
pub(super) fn print_line(line: impl std::fmt::Display) -> Result<(), DistillError> {
    print(format!("{line}\n"))
}
