//! Lines of fields, read one by one and written whole or not at all.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use crate::EvalError;

/// Calls `record` with the fields of every line that is not blank.
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
        let read = reader.read_until(b'\n', &mut buffer);
        let stream = file.unwrap_or(Path::new("stream"));
        if read.map_err(io(stream, "read"))? == 0 {
            return Ok(());
        }
        line += 1;
        let fault = |found| EvalError::TrecLine {
            file: file.map(Path::to_owned),
            line,
            found,
            allowed,
        };
        let text = str::from_utf8(&buffer).map_err(|_| fault("not UTF-8".to_owned()))?;
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if !fields.is_empty() {
            record(&fields).map_err(fault)?;
        }
    }
}

pub(super) fn open(path: &Path) -> Result<BufReader<File>, EvalError> {
    let file = File::open(path).map_err(io(path, "open"))?;
    Ok(BufReader::new(file))
}

/// Writes through a temporary file in the same folder, which then takes the name.
pub(super) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), EvalError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let file = tempfile::NamedTempFile::new_in(folder).map_err(io(path, "write"))?;
    let mut writer = std::io::BufWriter::new(file);
    write(&mut writer).map_err(io(path, "write"))?;
    let file = writer
        .into_inner()
        .map_err(|error| io(path, "write")(error.into_error()))?;
    file.persist(path)
        .map_err(|error| io(path, "write")(error.error))?;
    Ok(())
}

/// Fields are set apart by whitespace, so they hold none.
pub(super) fn check_field(what: &'static str, field: &str) -> std::io::Result<()> {
    if !field.is_empty() && !field.contains(|c: char| c.is_ascii_whitespace()) {
        return Ok(());
    }
    Err(std::io::Error::other(format!(
        "{what} {field:?} cannot stand in a TREC file: it must not be empty or hold whitespace"
    )))
}

fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> EvalError {
    let path = path.to_owned();
    move |error| EvalError::Io {
        path,
        action,
        message: error.to_string(),
    }
}
