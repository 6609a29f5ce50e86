//! Training records in parquet, by way of JSON objects.

use super::source::{Object, Objects};
use super::{TrlColumn, TrlRecord};
use crate::source::parquet::{ends_of_groups, position};
use crate::{AtomicFile, DataError};
use arrow_array::RecordBatch;
use arrow_json::{LineDelimitedWriter, ReaderBuilder};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// How many rows are decoded or encoded at a time.
const BATCH_ROWS: usize = 1024;

/// The rows of a file as objects with the given columns.
pub(super) fn objects(path: &Path, columns: &[(&str, TrlColumn)]) -> Result<Objects, DataError> {
    let file = File::open(path).map_err(DataError::io(path, "open"))?;
    let refuse = |source| DataError::Parquet {
        path: path.to_owned(),
        source,
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(refuse)?;
    let fields = builder.schema().fields();
    let mut roots = Vec::new();
    for (name, column) in columns {
        match fields.iter().position(|field| field.name() == name) {
            Some(root) => roots.push(root),
            None if column.is_optional() => {}
            None => {
                return Err(DataError::UnknownColumn {
                    path: path.to_owned(),
                    column: (*name).to_owned(),
                    available: fields.iter().map(|field| field.name().clone()).collect(),
                });
            }
        }
    }
    let group_ends = ends_of_groups(builder.metadata());
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
    let reader = reader.build().map_err(refuse)?;
    let (path, mut next_row) = (path.to_owned(), 0);
    Ok(Box::new(reader.flat_map(move |batch| {
        let first = next_row;
        match batch.and_then(|batch| rows(&batch)) {
            Ok(rows) => {
                next_row += rows.len();
                let rows = rows.into_iter().enumerate();
                rows.map(|(index, row)| Ok((position(first + index, &group_ends), row)))
                    .collect()
            }
            Err(source) => vec![Err(DataError::Arrow {
                path: path.clone(),
                source,
            })],
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
    let file = AtomicFile::create(path)?;
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
            writer.write(&batch).map_err(refuse)?;
        }
    }
    writer.into_inner().map_err(refuse)?.commit()
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
