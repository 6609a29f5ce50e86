//! Parquet as a table.

use super::column_map::ColumnMap;
use super::row::{Row, Rows, locate};
use crate::DataError;
use crate::sources::parquet_columns::text_of;
use crate::sources::parquet_file::ParquetFile;
use arrow_array::RecordBatch;
use std::path::Path;

/// The rows of a parquet file; columns of text and of integers are read.
pub(super) fn rows(path: &Path, columns: &ColumnMap) -> Result<Rows, DataError> {
    let file = ParquetFile::open(path)?;
    let header: Vec<String> = file
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    locate(path, columns.names(), &header)?;
    let wanted: Vec<&str> = columns.names().into_iter().flatten().collect();
    for name in &wanted {
        crate::sources::parquet_columns::check_readable(path, file.schema(), name)?;
    }
    let batches = file.batches(&wanted)?;
    let columns = columns.clone();
    Ok(Box::new(batches.flat_map(move |batch| {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return vec![Err(error)],
        };
        let placed = |index| {
            let position = file.position(batch.first_row + index);
            Ok((position, row(&batch.rows, &columns, index)))
        };
        (0..batch.rows.num_rows()).map(placed).collect::<Vec<_>>()
    })))
}

fn row(batch: &RecordBatch, columns: &ColumnMap, index: usize) -> Row {
    let mut row = Row::default();
    for (value, name) in row.values.iter_mut().zip(columns.names()) {
        let column = name.and_then(|name| batch.column_by_name(name));
        let text = column.and_then(|column| text_of(column.as_ref(), index));
        *value = text.filter(|text| !text.is_empty()).map(Into::into);
    }
    row
}
