//! The lines that qrels and runs are made of: fields set apart by whitespace.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use atomic_files::{AtomicFile, FileError};

use crate::EvalError;

/// More than this is no line of a TREC file, so that a file without line ends is not held whole.
const LONGEST_LINE: u64 = 1 << 20;
/// What an error shows of a field.
const SHOWN: usize = 80;

/// Calls `record` with the fields of every line that is not blank and no comment.
///
/// A comment is a line whose first character other than whitespace is `#`, as in trec_eval 10 (older
/// versions refuse it, or read a query called `#`); a `#` further on is part of its field. A byte-order
/// mark before the first line is passed over: some editors save UTF-8 so, and as part of the first id it
/// would make another query of it.
pub(super) fn read_lines(
    mut reader: impl BufRead,
    file: Option<&Path>,
    allowed: &'static str,
    mut record: impl FnMut(&[&str]) -> Result<(), String>,
) -> Result<(), EvalError> {
    let mut buffer = Vec::new();
    let mut line = 0;
    loop {
        buffer.clear();
        let mut limited = reader.by_ref().take(LONGEST_LINE + 1);
        let read = limited.read_until(b'\n', &mut buffer);
        if read.map_err(|source| broken(file, source))? == 0 {
            return Ok(());
        }
        line += 1;
        let fault = |found| EvalError::TrecLine {
            file: file.map(Path::to_owned),
            line,
            found,
            allowed,
        };
        if buffer.len() as u64 > LONGEST_LINE {
            return Err(fault(format!("more than {LONGEST_LINE} bytes")));
        }
        let text = str::from_utf8(&buffer).map_err(|_| fault("not UTF-8".to_owned()))?;
        let text = match line {
            1 => text.strip_prefix('\u{feff}').unwrap_or(text),
            _ => text,
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if fields.first().is_some_and(|field| !field.starts_with('#')) {
            record(&fields).map_err(fault)?;
        }
    }
}

fn broken(file: Option<&Path>, source: io::Error) -> EvalError {
    match file {
        None => EvalError::Stream(source),
        Some(path) => EvalError::File(FileError::Io {
            path: path.to_owned(),
            action: "read",
            source,
        }),
    }
}

/// A field as an error shows it: quoted, escaped, and cut.
pub(super) fn shown(field: &str) -> String {
    match field.char_indices().nth(SHOWN) {
        None => format!("{field:?}"),
        Some((end, _)) => format!("{:?}...", &field[..end]),
    }
}

/// Writes lines to a file that appears whole or not at all.
pub(super) struct Lines(AtomicFile);

impl Lines {
    pub(super) fn create(path: &Path) -> Result<Self, EvalError> {
        Ok(Self(AtomicFile::create(path)?))
    }

    pub(super) fn line(&mut self, line: std::fmt::Arguments<'_>) -> Result<(), EvalError> {
        let written = writeln!(self.0, "{line}");
        written.map_err(|source| {
            EvalError::File(FileError::Io {
                path: self.0.path().to_owned(),
                action: "write",
                source,
            })
        })
    }

    pub(super) fn commit(self) -> Result<(), EvalError> {
        Ok(self.0.commit()?)
    }
}

/// Fields are set apart by whitespace, so they hold none.
pub(super) fn check_field(field: &'static str, value: &str) -> Result<(), EvalError> {
    if !value.is_empty() && !value.contains(|c: char| c.is_ascii_whitespace()) {
        return Ok(());
    }
    Err(EvalError::TrecField {
        field,
        value: value.to_owned(),
        allowed: "a text that is not empty and holds no whitespace",
    })
}

/// A query begins its line, so it must not look like a comment or a byte-order mark there.
pub(super) fn check_query(query: &str) -> Result<(), EvalError> {
    check_field("query", query)?;
    if !query.starts_with(['#', '\u{feff}']) {
        return Ok(());
    }
    Err(EvalError::TrecField {
        field: "query",
        value: query.to_owned(),
        allowed: "a text that does not begin with `#` or a byte-order mark, which would be a comment or \
                  be lost",
    })
}
