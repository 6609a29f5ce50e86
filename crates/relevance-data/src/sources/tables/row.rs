//! A row of any table, before it becomes a pair.

use super::column_map::Field;
use crate::{DataError, Position, RowFault};
use std::path::Path;

/// The values of a row by [`Field`]; none where there is no such column or no value.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) values: [Option<String>; Field::COUNT],
}

impl Row {
    pub(crate) fn take(&mut self, field: Field) -> String {
        self.values[field as usize].take().unwrap_or_default()
    }
}

/// Rows with their places. An error of kind [`DataError::Row`] concerns one row: the next can be read.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<(Position, Row), DataError>> + Send>;

pub(crate) fn fault(
    path: &Path,
    position: Position,
    column: Option<&str>,
    fault: RowFault,
    message: impl Into<String>,
) -> DataError {
    DataError::Row {
        path: path.to_owned(),
        position,
        column: column.map(str::to_owned),
        fault,
        message: message.into(),
    }
}

/// The index of each field's column.
pub(super) fn locate(
    path: &Path,
    names: [Option<&str>; Field::COUNT],
    header: &[String],
) -> Result<[Option<usize>; Field::COUNT], DataError> {
    let mut places = [None; Field::COUNT];
    for (place, name) in places.iter_mut().zip(names) {
        let Some(name) = name else { continue };
        let found = header.iter().position(|column| column == name);
        *place = Some(found.ok_or_else(|| DataError::UnknownColumn {
            path: path.to_owned(),
            column: name.to_owned(),
            available: header.to_vec(),
        })?);
    }
    Ok(places)
}
