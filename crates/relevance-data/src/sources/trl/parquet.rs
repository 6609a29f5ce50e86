//! Training records in parquet, by way of JSON objects.

use super::object::{Object, Objects};
use super::{TrlColumn, TrlRecord};
use crate::DataError;
use crate::sources::compression::Compressed;
use crate::sources::parquet_file::{BATCH_ROWS, ParquetFile};
use crate::sources::tables::parquet_table::write_batch;
use arrow_array::RecordBatch;
use arrow_json::{LineDelimitedWriter, ReaderBuilder};
use arrow_schema::{ArrowError, DataType, Field, Schema};
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
        let found = fields.iter().any(|field| field.name() == name);
        if !found && !column.is_optional() {
            return Err(DataError::UnknownColumn {
                path: path.to_owned(),
                column: (*name).to_owned(),
                available: fields.iter().map(|field| field.name().clone()).collect(),
            });
        }
    }
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let batches = file.batches(&names)?;
    Ok(Box::new(batches.flat_map(move |batch| {
        let rows = batch.and_then(|batch| {
            let found = rows(&batch.rows).map_err(|source| DataError::Arrow {
                path: file.name().to_owned(),
                source,
            });
            Ok((batch.first_row, found?))
        });
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

/// The rows of a batch as objects; nulls are left out.
fn rows(batch: &RecordBatch) -> Result<Vec<Object>, ArrowError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let lines = writer.into_inner();
    let rows = serde_json::Deserializer::from_slice(&lines).into_iter();
    let rows: Result<Vec<Object>, _> = rows.collect();
    rows.map_err(|error| ArrowError::JsonError(error.to_string()))
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
    let mut records = records.into_iter().peekable();
    while records.peek().is_some() {
        let rows: Vec<&T> = records.by_ref().take(BATCH_ROWS).collect();
        let batch = encode(&schema, &rows).map_err(|source| DataError::Arrow {
            path: path.to_owned(),
            source,
        })?;
        if let Some(batch) = batch {
            write_batch(&mut writer, &batch).map_err(refuse)?;
        }
    }
    let file = writer.into_inner().map_err(refuse)?;
    Ok(file.finish().map_err(io)?.commit()?)
}

fn encode<T: TrlRecord>(
    schema: &Arc<Schema>,
    rows: &[&T],
) -> Result<Option<RecordBatch>, ArrowError> {
    let builder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(BATCH_ROWS);
    let mut decoder = builder.build_decoder()?;
    decoder.serialize(rows)?;
    decoder.flush()
}

fn data_type(column: TrlColumn) -> DataType {
    match column {
        TrlColumn::Text => DataType::Utf8,
        TrlColumn::Flag => DataType::Boolean,
        TrlColumn::Score => DataType::Float64,
        TrlColumn::Conversation => {
            let text = |name| Field::new(name, DataType::Utf8, false);
            let turn = DataType::Struct([text("role"), text("content")].into_iter().collect());
            DataType::List(Arc::new(Field::new("element", turn, false)))
        }
    }
}
