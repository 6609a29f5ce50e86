//! Training records in parquet, read and written batch by batch.

use super::arrow::{batch_of, data_type, is_readable, objects_of};
use super::object::{Object, Objects};
use super::{TrlColumn, TrlRecord};
use crate::DataError;
use crate::sources::compression::Compressed;
use crate::sources::parquet_file::{BATCH_ROWS, ParquetFile};
use crate::sources::tables::parquet_table::write_batch;
use arrow_schema::{Field, Schema};
use atomic_files::AtomicFile;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::sync::Arc;

/// The rows of a file as objects with the given columns.
pub(super) fn objects(path: &Path, columns: &[(&str, TrlColumn)]) -> Result<Objects, DataError> {
    let file = ParquetFile::open(path)?;
    let fields = file.schema().fields();
    for (name, column) in columns {
        match fields.iter().find(|field| field.name() == name) {
            None if column.is_optional() => {}
            None => {
                return Err(DataError::UnknownColumn {
                    path: path.to_owned(),
                    column: (*name).to_owned(),
                    available: fields.iter().map(|field| field.name().clone()).collect(),
                });
            }
            Some(field) if is_readable(field.data_type()) => {}
            Some(field) => {
                return Err(DataError::ColumnType {
                    path: path.to_owned(),
                    column: (*name).to_owned(),
                    found: field.data_type().to_string(),
                    allowed: column.allowed(),
                });
            }
        }
    }
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let batches = file.batches(&names)?;
    Ok(Box::new(batches.flat_map(move |batch| {
        let rows = batch.map(|batch| (batch.first_row, objects_of(&batch.rows)));
        match rows {
            Ok((first, rows)) => {
                let rows = rows.into_iter().enumerate();
                rows.map(|(index, row)| Ok((file.position(first + index), row)))
                    .collect()
            }
            Err(error) => vec![Err(error)],
        }
    })))
}

/// Writes records.
pub(super) fn write<'a, T: TrlRecord + 'a>(
    path: &Path,
    records: impl IntoIterator<Item = &'a T>,
) -> Result<(), DataError> {
    let schema = Arc::new(Schema::new(
        T::COLUMNS
            .iter()
            .map(|(name, column)| Field::new(*name, data_type(*column), column.is_optional()))
            .collect::<Vec<_>>(),
    ));
    let refuse = |source| DataError::Parquet {
        path: path.to_owned(),
        source,
    };
    let io = |error| DataError::io(path, "write")(error);
    let file = Compressed::new(path, AtomicFile::create(path)?).map_err(io)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties.build()))
        .map_err(refuse)?;
    // A record as serde sees it: its fields are its columns.
    let object = |(index, record)| {
        let fields = serde_json::to_value(record).and_then(serde_json::from_value::<Object>);
        fields.map_err(|source| DataError::Serialize {
            path: path.to_owned(),
            record: index + 1,
            source,
        })
    };
    let mut records = records.into_iter().enumerate().peekable();
    while records.peek().is_some() {
        let rows = records.by_ref().take(BATCH_ROWS).map(object);
        let rows = rows.collect::<Result<Vec<Object>, _>>()?;
        let batch = batch_of(&schema, T::COLUMNS, &rows).map_err(|source| DataError::Arrow {
            path: path.to_owned(),
            source,
        })?;
        write_batch(&mut writer, &batch).map_err(refuse)?;
    }
    let file = writer.into_inner().map_err(refuse)?;
    Ok(file.finish().map_err(io)?.commit()?)
}
