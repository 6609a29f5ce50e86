//! CSV and TSV.

use super::column_map::{ColumnMap, Field};
use super::record_limit::RecordLimit;
use super::row::{Row, Rows, fault, locate};
use crate::{DataError, Position, RowFault};
use csv::ByteRecord;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Stands behind the last record. A quote that is never closed swallows it, which is how that is seen:
/// the parser itself takes the rest of the file for one value.
const END: &[u8] = b"\0end of table\0";

/// The rows of a delimited table with a header.
pub(crate) fn rows(
    stream: impl Read + Send + 'static,
    path: &Path,
    columns: &ColumnMap,
    delimiter: u8,
) -> Result<Rows, DataError> {
    let (stream, limit) = RecordLimit::new(stream);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(stream.chain(&b"\n"[..]).chain(END));
    let mut header = ByteRecord::new();
    let read = reader.read_byte_record(&mut header);
    read.map_err(|error| fatal(path, error))?;
    limit.record_ended();
    if ends(path, &header)? {
        header.clear();
    }
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
        limit,
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
    limit: RecordLimit<()>,
    record: ByteRecord,
    failed: bool,
}

impl<R: Read> Records<R> {
    fn next(&mut self) -> Option<Result<(Position, Row), DataError>> {
        if self.failed {
            return None;
        }
        let read = self.reader.read_byte_record(&mut self.record);
        self.limit.record_ended();
        let read = read.map_err(|error| fatal(&self.path, error));
        match read.and_then(|found| Ok(found && !ends(&self.path, &self.record)?)) {
            Ok(false) => None,
            Ok(true) => Some(self.row()),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
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

/// Whether the table ends here, before this record.
fn ends(path: &Path, record: &ByteRecord) -> Result<bool, DataError> {
    match record.iter().next_back() {
        Some(last) if last == END && record.len() == 1 => Ok(true),
        Some(last) if last.ends_with(END) => {
            let line = record.position().map_or(0, |position| position.line());
            let what = format!("the record of line {line} has a quote that is never closed");
            let error = Error::new(ErrorKind::UnexpectedEof, what);
            Err(DataError::io(path, "read")(error))
        }
        _ => Ok(false),
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
