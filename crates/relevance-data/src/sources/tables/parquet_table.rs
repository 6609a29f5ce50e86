//! A parquet table that is written row by row.

use crate::DataError;
use crate::sources::compression::Compressed;
use arrow_array::builder::{Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use atomic_files::AtomicFile;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many rows are encoded at a time at most.
const BATCH_ROWS: usize = 4096;
/// How many bytes of text are encoded at a time, give or take a row.
const BATCH_BYTES: usize = 32 << 20;

/// How many encoded bytes a row group holds, give or take a batch: the writer keeps them in memory.
const GROUP_BYTES: usize = 128 << 20;

/// Writes a batch, and ends the row group once it is large.
pub(crate) fn write_batch<W: Write + Send>(
    writer: &mut ArrowWriter<W>,
    batch: &RecordBatch,
) -> Result<(), ParquetError> {
    writer.write(batch)?;
    if writer.in_progress_size() > GROUP_BYTES {
        writer.flush()?;
    }
    Ok(())
}

/// A value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Text(&'a str),
    Integer(i64),
}

enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
}

/// A table that gets its name when it is complete, packed as the name says; its pages are snappy.
pub(crate) struct ParquetTable {
    path: PathBuf,
    schema: Arc<Schema>,
    writer: ArrowWriter<Compressed<AtomicFile>>,
    builders: Vec<Builder>,
    rows: usize,
    bytes: usize,
}

impl ParquetTable {
    /// A table whose columns hold values as the examples do.
    pub(crate) fn create(path: &Path, columns: &[(&str, Cell<'_>)]) -> Result<Self, DataError> {
        let fields = columns.iter().map(|(name, cell)| match cell {
            Cell::Text(_) => Field::new(*name, DataType::Utf8, false),
            Cell::Integer(_) => Field::new(*name, DataType::Int64, false),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let file = Compressed::new(path, AtomicFile::create(path)?);
        let file = file.map_err(DataError::io(path, "write"))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties.build()));
        let builders = columns.iter().map(|(_, cell)| match cell {
            Cell::Text(_) => Builder::Text(StringBuilder::new()),
            Cell::Integer(_) => Builder::Integer(Int64Builder::new()),
        });
        Ok(Self {
            writer: writer.map_err(|source| parquet_error(path, source))?,
            path: path.to_owned(),
            schema,
            builders: builders.collect(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Adds a row, which has a value for each column.
    pub(crate) fn push(&mut self, row: &[Cell<'_>]) -> Result<(), DataError> {
        for (builder, cell) in self.builders.iter_mut().zip(row) {
            match (builder, cell) {
                (Builder::Text(texts), Cell::Text(text)) => {
                    texts.append_value(text);
                    self.bytes += text.len();
                }
                (Builder::Integer(integers), Cell::Integer(integer)) => {
                    integers.append_value(*integer);
                }
                _ => unreachable!("rows are of the kind that the table was made for"),
            }
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS || self.bytes > BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DataError> {
        let columns = self.builders.iter_mut().map(|builder| match builder {
            Builder::Text(texts) => Arc::new(texts.finish()) as ArrayRef,
            Builder::Integer(integers) => Arc::new(integers.finish()),
        });
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect());
        let batch = batch.map_err(|source| arrow_error(&self.path, source))?;
        (self.rows, self.bytes) = (0, 0);
        let written = write_batch(&mut self.writer, &batch);
        written.map_err(|source| parquet_error(&self.path, source))
    }

    /// The complete file, which gets its name by [`AtomicFile::commit`].
    pub(crate) fn finish(mut self) -> Result<AtomicFile, DataError> {
        self.flush()?;
        let Self { path, writer, .. } = self;
        let file = writer.into_inner();
        let file = file.map_err(|source| parquet_error(&path, source))?;
        file.finish().map_err(DataError::io(&path, "write"))
    }
}

fn parquet_error(path: &Path, source: ParquetError) -> DataError {
    DataError::Parquet {
        path: path.to_owned(),
        source,
    }
}

fn arrow_error(path: &Path, source: ArrowError) -> DataError {
    DataError::Arrow {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;
    use crate::sources::parquet_file::ParquetFile;

    #[test]
    fn row_groups_end_before_they_fill_the_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let mut table = ParquetTable::create(&path, &[("text", Cell::Text(""))]).unwrap();
        // Pseudo-random letters, which do not compress to nothing.
        let mut state = 1_u64;
        let mut letter = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b' ' + (state >> 57) as u8 % 95)
        };
        for _ in 0..180 {
            let text: String = (0..1 << 20).map(|_| letter()).collect();
            table.push(&[Cell::Text(&text)]).unwrap();
            assert!(table.writer.in_progress_size() <= GROUP_BYTES + 2 * BATCH_BYTES);
        }
        table.finish().unwrap().commit().unwrap();
        let file = ParquetFile::open(&path).unwrap();
        assert_eq!(file.num_rows(), 180);
        let last = file.position(179);
        assert_eq!(last, Position::RowOfGroup { row: 179, group: 1 });
    }
}
