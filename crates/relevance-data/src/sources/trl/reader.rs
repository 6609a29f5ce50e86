//! A stream of training records from a file.

use super::TrlRecord;
use super::object::{Object, Objects};
use crate::sources::TableFormat;
use crate::sources::compression::{decompressed, open_file};
use crate::sources::tables::fault;
use crate::{DataError, JsonlReader, Position, RowFault, RowPolicy, RowReport};
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// How many characters of a value an error shows.
const SHOWN: usize = 80;

/// A stream of training records from JSON Lines or parquet (plain, gzip or zstd). Other columns are passed over.
/// Memory holds one record, of parquet 1,024.
///
/// ```
/// use relevance_data::{KtoExample, RowPolicy, TrlSource, write_trl};
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("kto.jsonl.gz");
/// let good = KtoExample { prompt: "2 + 2?".to_owned(), completion: "4".to_owned(), label: true };
/// write_trl(&path, [&good])?;
/// let mut source = TrlSource::<KtoExample>::open(&path, RowPolicy::Fail)?;
/// assert_eq!(source.next().unwrap()?, good);
/// assert!(source.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TrlSource<T> {
    records: Box<dyn Iterator<Item = Result<T, DataError>> + Send>,
    policy: RowPolicy,
    report: RowReport,
    ended: bool,
}

impl<T> std::fmt::Debug for TrlSource<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrlSource")
            .field("policy", &self.policy)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl<T: TrlRecord> TrlSource<T> {
    /// Opens a file; its name tells the format.
    ///
    /// # Errors
    /// [`DataError::Io`]; [`DataError::InvalidConfig`] for a name that tells neither JSON Lines nor
    /// parquet; [`DataError::UnknownColumn`] for parquet that lacks a column.
    pub fn open(path: impl AsRef<Path>, policy: RowPolicy) -> Result<Self, DataError> {
        let path = path.as_ref();
        match TableFormat::of(path)? {
            TableFormat::Jsonl => Self::from_reader(open_file(path)?, path, policy),
            #[cfg(feature = "parquet")]
            TableFormat::Parquet => {
                let objects = super::parquet::objects(path, T::COLUMNS)?;
                Ok(Self::of(path, objects, policy))
            }
            _ => Err(no_training_file(path)),
        }
    }

    /// Reads a stream of JSON Lines, compressed or not. Errors call it `name`.
    ///
    /// # Errors
    /// [`DataError::Io`] if its beginning cannot be read.
    pub fn from_reader(
        stream: impl Read + Send + 'static,
        name: impl AsRef<Path>,
        policy: RowPolicy,
    ) -> Result<Self, DataError> {
        let path = name.as_ref();
        let stream = decompressed(stream).map_err(DataError::io(path, "read"))?;
        let mut reader = JsonlReader::<Object>::from_reader(stream, path);
        let at = path.to_owned();
        let objects = std::iter::from_fn(move || {
            let object = reader.next()?;
            let position = Position::Line(reader.line());
            Some(match object {
                Ok(object) => Ok((position, object)),
                Err(DataError::Json { message, .. }) => {
                    Err(fault(&at, position, None, RowFault::BadJson, message))
                }
                Err(error) => Err(error),
            })
        });
        Ok(Self::of(path, Box::new(objects), policy))
    }

    fn of(path: &Path, objects: Objects, policy: RowPolicy) -> Self {
        let path = path.to_owned();
        let records = objects.map(move |object| {
            let (position, object) = object?;
            record(object, &path, position)
        });
        Self {
            records: Box::new(records),
            policy,
            report: RowReport::default(),
            ended: false,
        }
    }
}

impl<T> TrlSource<T> {
    /// What was read and passed over so far.
    pub fn report(&self) -> &RowReport {
        &self.report
    }
}

impl<T> Iterator for TrlSource<T> {
    type Item = Result<T, DataError>;

    /// Under [`RowPolicy::Fail`] nothing comes after the first error.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let found = self.records.next()?;
            if let Some(record) = self.report.settle(found, self.policy) {
                self.ended = record.is_err();
                return Some(record);
            }
        }
        None
    }
}

/// The refusal of a name that tells another format.
pub(super) fn no_training_file(path: &Path) -> DataError {
    DataError::InvalidConfig {
        field: "format",
        value: format!("that of {}", path.display()),
        allowed: if cfg!(feature = "parquet") {
            ".jsonl, .ndjson, .parquet, each also with .gz or .zst".to_owned()
        } else {
            ".jsonl, .ndjson (also with .gz or .zst); this build lacks the feature `parquet`"
                .to_owned()
        },
    }
}

/// The record that an object holds.
fn record<T: TrlRecord>(object: Object, path: &Path, position: Position) -> Result<T, DataError> {
    for (name, column) in T::COLUMNS {
        let wrong = |kind, message| Err(fault(path, position, Some(name), kind, message));
        match object.get(*name) {
            None | Some(Value::Null) if column.is_optional() => {}
            None | Some(Value::Null) => {
                let message = format!("missing; allowed: {}", column.allowed());
                return wrong(RowFault::MissingValue, message);
            }
            Some(value) if column.accepts(value) => {}
            Some(value) => {
                let shown: String = value.to_string().chars().take(SHOWN).collect();
                let message = format!("{shown}; allowed: {}", column.allowed());
                return wrong(RowFault::ValueType, message);
            }
        }
    }
    let parsed = T::deserialize(Value::Object(object));
    parsed.map_err(|error| fault(path, position, None, RowFault::ValueType, error.to_string()))
}
