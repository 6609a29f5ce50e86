//! Columns of a parquet file, whatever the encoding of their strings.

use crate::DataError;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use std::borrow::Cow;
use std::path::Path;

/// What a column must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// Text or an integer, read as text.
    Key,
    /// An integer, or a truth value.
    Flag,
}

impl Kind {
    fn allows(self, found: &DataType) -> bool {
        match self {
            Self::Text => is_text(found),
            Self::Key => is_text(found) || is_integer(found),
            Self::Flag => is_integer(found) || *found == DataType::Boolean,
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Text => "string, large string, string view, or a dictionary of these",
            Self::Key => "integer, string, large string, string view, or a dictionary of these",
            Self::Flag => "integer or boolean",
        }
    }
}

fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_integer(found: &DataType) -> bool {
    use DataType::{Int8, Int16, Int32, Int64};
    matches!(found, Int8 | Int16 | Int32 | Int64)
}

/// The name and the kind of each column that is needed.
pub(crate) type Needed = &'static [(&'static str, Kind)];

/// Checks that a file has the columns.
pub(crate) fn check_schema(path: &Path, schema: &Schema, needed: Needed) -> Result<(), DataError> {
    for (column, kind) in needed {
        let Ok(field) = schema.field_with_name(column) else {
            return Err(DataError::MissingColumn {
                path: path.to_owned(),
                column: (*column).to_owned(),
                needed: needed.iter().map(|(name, _)| (*name).to_owned()).collect(),
            });
        };
        if !kind.allows(field.data_type()) {
            return Err(DataError::ColumnType {
                path: path.to_owned(),
                column: (*column).to_owned(),
                found: field.data_type().to_string(),
                allowed: kind.allowed(),
            });
        }
    }
    Ok(())
}

/// Checks that a column can be read as text.
pub(crate) fn check_readable(path: &Path, schema: &Schema, column: &str) -> Result<(), DataError> {
    let found = schema
        .field_with_name(column)
        .map(|f| f.data_type().clone());
    match found {
        Ok(found) if Kind::Key.allows(&found) => Ok(()),
        Ok(found) => Err(DataError::ColumnType {
            path: path.to_owned(),
            column: column.to_owned(),
            found: found.to_string(),
            allowed: Kind::Key.allowed(),
        }),
        // A nested column: its name is not at the top.
        Err(_) => Ok(()),
    }
}

/// One column of a batch.
pub(crate) struct Column<'a> {
    array: &'a dyn Array,
}

impl<'a> Column<'a> {
    /// A column that [`check_schema`] found in the file.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Self {
        let array = batch
            .column_by_name(name)
            .expect("the columns were checked when the file was opened");
        Self {
            array: array.as_ref(),
        }
    }

    /// The value as text; `None` if it is null.
    pub(crate) fn text(&self, row: usize) -> Option<Cow<'a, str>> {
        text_of(self.array, row)
    }

    /// Whether the value is 1 or true; `None` if it is null.
    pub(crate) fn flag(&self, row: usize) -> Option<bool> {
        match self.array.data_type() {
            DataType::Boolean => {
                let array = self.array.as_boolean();
                array.is_valid(row).then(|| array.value(row))
            }
            _ => integer_of(self.array, row).map(|value| value == 1),
        }
    }
}

/// A value as text; `None` if it is null.
pub(crate) fn text_of(array: &dyn Array, row: usize) -> Option<Cow<'_, str>> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Some(array.as_string_view().value(row).into()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = dictionary_key(dictionary.keys(), row)?;
            text_of(dictionary.values().as_ref(), key)
        }
        _ => integer_of(array, row).map(|value| value.to_string().into()),
    }
}

fn dictionary_key(keys: &dyn Array, row: usize) -> Option<usize> {
    use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type, UInt64Type};
    match keys.data_type() {
        DataType::UInt8 => Some(usize::from(keys.as_primitive::<UInt8Type>().value(row))),
        DataType::UInt16 => Some(usize::from(keys.as_primitive::<UInt16Type>().value(row))),
        DataType::UInt32 => usize::try_from(keys.as_primitive::<UInt32Type>().value(row)).ok(),
        DataType::UInt64 => usize::try_from(keys.as_primitive::<UInt64Type>().value(row)).ok(),
        _ => integer_of(keys, row).and_then(|key| usize::try_from(key).ok()),
    }
}

/// A signed integer of any width; `None` if it is null or something else.
pub(crate) fn integer_of(array: &dyn Array, row: usize) -> Option<i64> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Int8 => Some(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Some(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Some(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(row)),
        _ => None,
    }
}
