//! A parquet file that can be read from any row on, by several readers at once.

use crate::{DataError, Position};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempPath;

/// How many rows are decoded at a time.
pub(crate) const BATCH_ROWS: usize = 1024;

/// A parquet file; one that is packed as a whole (gzip, zstd) is unpacked into a temporary file, since
/// parquet is not read from front to back.
#[derive(Debug, Clone)]
pub(crate) struct ParquetFile {
    name: PathBuf,
    unpacked: Option<Arc<TempPath>>,
    metadata: ArrowReaderMetadata,
    group_ends: Arc<[usize]>,
}

/// Rows that follow each other.
pub(crate) struct Batch {
    /// The place of the first in the whole file, from 0.
    pub(crate) first_row: usize,
    pub(crate) rows: RecordBatch,
}

/// Batches of one range of rows.
pub(crate) type Batches = Box<dyn Iterator<Item = Result<Batch, DataError>> + Send>;

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let mut file = File::open(path).map_err(DataError::io(path, "open"))?;
        if path.is_dir() {
            return Err(DataError::io(path, "read")(ErrorKind::IsADirectory.into()));
        }
        let unpacked = unpack(&mut file, path)?;
        if let Some(unpacked) = &unpacked {
            file = File::open(unpacked).map_err(DataError::io(path, "open"))?;
        }
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = metadata.map_err(|source| refuse(path, source))?;
        let groups = metadata.metadata().row_groups().iter();
        let ends = groups.scan(0, |end, group| {
            *end += usize::try_from(group.num_rows()).unwrap_or(0);
            Some(*end)
        });
        Ok(Self {
            name: path.to_owned(),
            unpacked: unpacked.map(Arc::new),
            group_ends: ends.collect(),
            metadata,
        })
    }

    /// The same file, its columns of text decoded as views into the pages: each value is copied once, by who
    /// wants to own it, and not twice.
    pub(crate) fn with_text_views(mut self) -> Result<Self, DataError> {
        let fields = self.schema().fields().iter().map(|field| {
            let field = field.as_ref().clone();
            match field.data_type() {
                DataType::Utf8 | DataType::LargeUtf8 => field.with_data_type(DataType::Utf8View),
                _ => field,
            }
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = Arc::clone(self.metadata.metadata());
        let metadata = ArrowReaderMetadata::try_new(metadata, options);
        self.metadata = metadata.map_err(|source| refuse(&self.name, source))?;
        Ok(self)
    }

    /// The name by which it was opened.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    pub(crate) fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    pub(crate) fn num_rows(&self) -> usize {
        self.group_ends.last().copied().unwrap_or(0)
    }

    /// Where a row stands.
    pub(crate) fn position(&self, row: usize) -> Position {
        let group = self.group_ends.partition_point(|end| *end <= row);
        Position::RowOfGroup { row, group }
    }

    /// All rows of the columns at these places of the schema, in order.
    pub(crate) fn batches(&self, columns: &[&str]) -> Result<Batches, DataError> {
        self.batches_of(columns, 0..self.num_rows(), BATCH_ROWS)
    }

    /// A range of rows of some columns, nested ones with all that is in them.
    pub(crate) fn batches_of(
        &self,
        columns: &[&str],
        rows: Range<usize>,
        batch_rows: usize,
    ) -> Result<Batches, DataError> {
        let path = self.unpacked.as_ref().map_or(self.name.as_path(), |p| p);
        // A handle of its own: readers that share one would move each other's position.
        let file = File::open(path).map_err(DataError::io(&self.name, "open"))?;
        let fields = self.schema().fields().iter().enumerate();
        let roots: Vec<usize> = fields
            .filter(|(_, field)| columns.contains(&field.name().as_str()))
            .map(|(root, _)| root)
            .collect();
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        if rows != (0..self.num_rows()) {
            let (groups, selection) = self.selection(&rows);
            builder = builder
                .with_row_groups(groups)
                .with_row_selection(selection);
        }
        let reader = builder.with_projection(mask).with_batch_size(batch_rows);
        let reader = reader
            .build()
            .map_err(|source| refuse(&self.name, source))?;
        // A handle on the unpacked file, which goes when the last handle does.
        let (file, mut first_row) = (self.clone(), rows.start);
        Ok(Box::new(reader.map(move |batch| {
            let rows = batch.map_err(|source| DataError::Arrow {
                path: file.name.clone(),
                source,
            })?;
            let start = first_row;
            first_row += rows.num_rows();
            Ok(Batch {
                first_row: start,
                rows,
            })
        })))
    }

    /// The row groups that hold a range, and the range among their rows.
    fn selection(&self, rows: &Range<usize>) -> (Vec<usize>, RowSelection) {
        let holds = |row: usize| self.group_ends.partition_point(|end| *end <= row);
        let first = holds(rows.start);
        let last = holds(rows.end.saturating_sub(1).max(rows.start));
        let before = first
            .checked_sub(1)
            .map_or(0, |group| self.group_ends[group]);
        let end = self.group_ends.get(last).copied().unwrap_or(rows.end);
        let selectors = vec![
            RowSelector::skip(rows.start - before),
            RowSelector::select(rows.len()),
            RowSelector::skip(end.saturating_sub(rows.end)),
        ];
        ((first..=last).collect(), selectors.into())
    }
}

fn refuse(path: &Path, source: parquet::errors::ParquetError) -> DataError {
    DataError::Parquet {
        path: path.to_owned(),
        source,
    }
}

/// A temporary file with what a packed file holds; none for a file that is not packed.
fn unpack(file: &mut File, path: &Path) -> Result<Option<TempPath>, DataError> {
    let mut head = [0; 4];
    // A file of fewer bytes is neither packed nor parquet: the reader will say so.
    let packed =
        file.read_exact(&mut head).is_ok() && crate::sources::compression::is_packed(&head);
    let rewound = file.seek(SeekFrom::Start(0));
    rewound.map_err(DataError::io(path, "read"))?;
    if !packed {
        return Ok(None);
    }
    let packed = file.try_clone().map_err(DataError::io(path, "read"))?;
    let packed = crate::sources::compression::decompressed(packed);
    let mut packed = packed.map_err(DataError::io(path, "read"))?;
    let unpacked = tempfile::NamedTempFile::new();
    let mut unpacked = unpacked.map_err(DataError::io(path, "unpack beside"))?;
    std::io::copy(&mut packed, &mut unpacked).map_err(DataError::io(path, "unpack"))?;
    unpacked.flush().map_err(DataError::io(path, "unpack"))?;
    Ok(Some(unpacked.into_temp_path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use proptest::prelude::*;

    fn numbers(count: i64, group: usize) -> (tempfile::TempDir, ParquetFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n.parquet");
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(group))
            .set_data_page_row_count_limit(7)
            .set_write_batch_size(7);
        let mut writer = ArrowWriter::try_new(
            File::create(&path).unwrap(),
            batch.schema(),
            Some(properties.build()),
        )
        .unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let file = ParquetFile::open(&path).unwrap();
        (dir, file)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_range_gives_its_rows(count in 1_i64..200, group in 1_usize..60, a: prop::sample::Index, b: prop::sample::Index) {
            let (_dir, file) = numbers(count, group);
            prop_assert_eq!(file.num_rows(), count as usize);
            let (a, b) = (a.index(count as usize), b.index(count as usize + 1));
            let range = a.min(b)..a.max(b);
            let mut next = range.start;
            for batch in file.batches_of(&["n"], range.clone(), 10).unwrap() {
                let batch = batch.unwrap();
                prop_assert_eq!(batch.first_row, next);
                let found = batch.rows.column(0).as_primitive::<Int64Type>().values();
                let expected: Vec<i64> = (next as i64..).take(found.len()).collect();
                prop_assert_eq!(&found[..], &expected);
                next += found.len();
            }
            prop_assert_eq!(next, range.end);
            prop_assert_eq!(file.position(a), Position::RowOfGroup { row: a, group: a / group });
        }
    }
}
