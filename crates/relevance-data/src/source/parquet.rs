//! Parquet as a table.

use super::columns::ColumnMap;
use super::row::{Row, Rows, locate};
use crate::columns::text_of;
use crate::{DataError, Position};
use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// How many rows are decoded at a time.
const BATCH_ROWS: usize = 1024;

/// The rows of a parquet file; columns of text and of integers are read.
pub(super) fn rows(path: &Path, columns: &ColumnMap) -> Result<Rows, DataError> {
    let file = File::open(path).map_err(DataError::io(path, "open"))?;
    let refuse = |source| DataError::Parquet {
        path: path.to_owned(),
        source,
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(refuse)?;
    let header: Vec<String> = builder
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    locate(path, columns.names(), &header)?;
    let wanted: Vec<String> = columns
        .names()
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    for name in &wanted {
        crate::columns::check_readable(path, builder.schema(), name)?;
    }
    let mut end = 0;
    let group_ends: Vec<usize> = builder
        .metadata()
        .row_groups()
        .iter()
        .map(|group| {
            end += usize::try_from(group.num_rows()).unwrap_or(0);
            end
        })
        .collect();
    let mask = ProjectionMask::columns(builder.parquet_schema(), wanted.iter().map(String::as_str));
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
    let reader = reader.build().map_err(refuse)?;
    let (path, columns) = (path.to_owned(), columns.clone());
    let mut next_row = 0;
    Ok(Box::new(reader.flat_map(move |batch| {
        let batch = match batch {
            Ok(batch) => batch,
            Err(source) => {
                return vec![Err(DataError::Arrow {
                    path: path.clone(),
                    source,
                })];
            }
        };
        let first = next_row;
        next_row += batch.num_rows();
        let row = |index| {
            Ok((
                position(first + index, &group_ends),
                row(&batch, &columns, index),
            ))
        };
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    })))
}

fn row(batch: &RecordBatch, columns: &ColumnMap, index: usize) -> Row {
    let mut row = Row::default();
    for (value, name) in row.values.iter_mut().zip(columns.names()) {
        let column = name.and_then(|name| batch.column_by_name(name));
        let text = column.and_then(|column| text_of(column.as_ref(), index));
        *value = text.filter(|text| !text.is_empty());
    }
    row
}

/// The place of a row among groups that end before these rows.
fn position(row: usize, group_ends: &[usize]) -> Position {
    let group = group_ends.partition_point(|end| *end <= row);
    Position::RowOfGroup { row, group }
}
