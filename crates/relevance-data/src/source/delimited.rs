//! CSV and TSV.

use super::columns::{ColumnMap, Field};
use super::compression::open;
use super::row::{Row, Rows, fault, locate};
use crate::{DataError, Position, RowFault};
use csv::ByteRecord;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The rows of a delimited table with a header.
pub(super) fn rows(path: &Path, columns: &ColumnMap, delimiter: u8) -> Result<Rows, DataError> {
    rows_of(open(path)?, path, columns, delimiter)
}

pub(super) fn rows_of(
    reader: impl Read + Send + 'static,
    path: &Path,
    columns: &ColumnMap,
    delimiter: u8,
) -> Result<Rows, DataError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(reader);
    let header = reader.byte_headers().map_err(|error| fatal(path, error))?;
    // A byte-order mark is no part of the first column's name.
    let header: Vec<String> = header
        .iter()
        .map(|name| {
            String::from_utf8_lossy(name)
                .trim_start_matches('\u{FEFF}')
                .to_owned()
        })
        .collect();
    let places = locate(path, columns.names(), &header)?;
    let mut records = Records {
        reader,
        path: path.to_owned(),
        header,
        places,
        record: ByteRecord::new(),
        failed: false,
    };
    Ok(Box::new(std::iter::from_fn(move || records.next())))
}

struct Records<R> {
    reader: csv::Reader<R>,
    path: PathBuf,
    header: Vec<String>,
    places: [Option<usize>; Field::COUNT],
    record: ByteRecord,
    failed: bool,
}

impl<R: Read> Records<R> {
    fn next(&mut self) -> Option<Result<(Position, Row), DataError>> {
        if self.failed {
            return None;
        }
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(self.row()),
            Err(error) => {
                self.failed = true;
                Some(Err(fatal(&self.path, error)))
            }
        }
    }

    fn row(&self) -> Result<(Position, Row), DataError> {
        let line = self.record.position().map_or(0, |position| position.line());
        let position = Position::Line(line as usize);
        if self.record.len() != self.header.len() {
            let message = format!(
                "{} fields; {} columns are declared",
                self.record.len(),
                self.header.len()
            );
            return Err(fault(
                &self.path,
                position,
                None,
                RowFault::FieldCount,
                message,
            ));
        }
        let mut row = Row::default();
        for (value, place) in row.values.iter_mut().zip(self.places) {
            let Some(place) = place else { continue };
            let bytes = &self.record[place];
            let text = str::from_utf8(bytes).map_err(|_| {
                let column = Some(self.header[place].as_str());
                let found = String::from_utf8_lossy(bytes);
                let message = format!("{found:?} is not UTF-8");
                fault(&self.path, position, column, RowFault::BadUtf8, message)
            })?;
            *value = (!text.is_empty()).then(|| text.to_owned());
        }
        Ok((position, row))
    }
}

/// What makes the rest unreadable: a truncated or damaged stream.
fn fatal(path: &Path, error: csv::Error) -> DataError {
    let message = error.to_string();
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        _ => std::io::Error::other(message),
    };
    DataError::io(path, "read")(source)
}
