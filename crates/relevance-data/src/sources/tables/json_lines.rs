//! JSON Lines as a table.

use super::column_map::ColumnMap;
use super::row::{Row, Rows, fault};
use crate::error::listed;
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
    if let Some(name) = absent(record, columns) {
        let keys: Vec<&String> = record.keys().collect();
        let message = match keys.is_empty() {
            true => "missing; the line is an empty object".to_owned(),
            false => format!("missing; the line has: {}", listed(&keys)),
        };
        let kind = RowFault::MissingValue;
        return Err(fault(path, position, Some(name), kind, message));
    }
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

/// A name that every line needs and this one lacks: more often a wrong name than a missing value.
fn absent<'a>(record: &Map<String, Value>, columns: &'a ColumnMap) -> Option<&'a str> {
    let lacks = |name: &str| find(record, name).is_none();
    let needed = [Some(&columns.query), columns.label.as_ref()];
    let needed = needed.into_iter().flatten().find(|name| lacks(name));
    let has_text = || columns.item_texts().any(|name| !lacks(name));
    let title = || (!has_text()).then_some(&columns.title);
    needed.or_else(title).map(String::as_str)
}

/// The value under a name, or under a path of names set apart by dots.
fn find<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = record.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    find(record.get(first)?.as_object()?, rest)
}
