//! JSON Lines as a table.

use super::columns::ColumnMap;
use super::row::{Row, Rows, fault};
use crate::{DataError, JsonlReader, Position, RowFault};
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// The rows of a file with one JSON object a line.
pub(super) fn rows(stream: impl Read + Send + 'static, path: &Path, columns: &ColumnMap) -> Rows {
    let mut reader = JsonlReader::<Map<String, Value>>::from_reader(stream, path);
    let path = path.to_owned();
    let columns = columns.clone();
    Box::new(std::iter::from_fn(move || {
        let record = reader.next()?;
        let position = Position::Line(reader.line());
        Some(match record {
            Ok(record) => row(&record, &columns, &path, position).map(|row| (position, row)),
            Err(DataError::Json { message, .. }) => {
                Err(fault(&path, position, None, RowFault::BadJson, message))
            }
            Err(error) => Err(error),
        })
    }))
}

fn row(
    record: &Map<String, Value>,
    columns: &ColumnMap,
    path: &Path,
    position: Position,
) -> Result<Row, DataError> {
    let mut row = Row::default();
    for (value, name) in row.values.iter_mut().zip(columns.names()) {
        let Some(name) = name else { continue };
        *value = match find(record, name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Some(scalar.to_string()),
            Some(other) => {
                let kind = if other.is_array() {
                    "an array"
                } else {
                    "an object"
                };
                let message = format!("{kind}; allowed: string, number, boolean, null");
                let fault_of = RowFault::ValueType;
                return Err(fault(path, position, Some(name), fault_of, message));
            }
        };
    }
    Ok(row)
}

/// The value under a name, or under a path of names set apart by dots.
fn find<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = record.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    find(record.get(first)?.as_object()?, rest)
}
