//! Labelled pairs as a table.

use super::format::TableFormat;
use crate::sources::compression::Compressed;
use crate::{DataError, LabelSchema, LabeledPair, Position};
use atomic_files::AtomicFile;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// The columns in their order, those of [`Record`].
const COLUMNS: [&str; 10] = [
    "query_id",
    "query",
    "locale",
    "item_id",
    "title",
    "description",
    "bullet_points",
    "brand",
    "color",
    "label",
];

/// A row under the names of [`ColumnMap::canonical`](super::ColumnMap::canonical).
#[derive(Serialize)]
struct Record<'a> {
    query_id: &'a str,
    query: &'a str,
    locale: &'a str,
    item_id: &'a str,
    title: &'a str,
    description: &'a str,
    bullet_points: &'a str,
    brand: &'a str,
    color: &'a str,
    label: &'a str,
}

impl<'a> Record<'a> {
    fn new(labeled: &'a LabeledPair, schema: &'a LabelSchema) -> Self {
        let (query, item) = (&labeled.pair.query, &labeled.pair.item);
        Self {
            query_id: &query.id,
            query: &query.text,
            locale: &query.locale,
            item_id: &item.id,
            title: &item.title,
            description: &item.description,
            bullet_points: &item.bullet_points,
            brand: &item.brand,
            color: &item.color,
            label: schema.name(labeled.label),
        }
    }

    /// The values in the order of [`COLUMNS`].
    #[cfg(feature = "parquet")]
    fn values(&self) -> [&'a str; COLUMNS.len()] {
        [
            self.query_id,
            self.query,
            self.locale,
            self.item_id,
            self.title,
            self.description,
            self.bullet_points,
            self.brand,
            self.color,
            self.label,
        ]
    }
}

/// Writes labelled pairs as CSV, TSV, JSON Lines or parquet (each also `.gz` or `.zst`), as the name
/// says; whole or not at all. [`ColumnMap::canonical`](super::ColumnMap::canonical) reads it back; an
/// item's locale is taken to be its query's.
///
/// ```
/// use relevance_data::sources::write_pairs;
/// use relevance_data::*;
/// # let dir = tempfile::tempdir()?;
/// let (path, schema) = (dir.path().join("pairs.csv.gz"), LabelSchema::esci());
/// let pair = Pair { query: Query::new("q1", "usb cable"), item: Item::new("B1", "USB-C cable, \"2 m\"") };
/// let pair = LabeledPair { pair, label: schema.parse("Exact")? };
/// write_pairs(&path, [&pair], &schema)?;
/// let mut source = PairSource::open(&path, &SourceConfig::default(), &schema)?;
/// assert_eq!(source.next().unwrap()?.labeled(), Some(pair));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::File`] or [`DataError::Io`]; [`DataError::InvalidConfig`] for a name that tells no format;
/// [`DataError::InvalidField`] with the pair, counted from 0, for what would not be read back: a query without
/// a text, an item without any, an item of another locale than its query.
pub fn write_pairs<'a>(
    path: impl AsRef<Path>,
    pairs: impl IntoIterator<Item = &'a LabeledPair>,
    schema: &LabelSchema,
) -> Result<(), DataError> {
    let path = path.as_ref();
    let format = TableFormat::of(path)?;
    if format == TableFormat::Parquet {
        #[cfg(feature = "parquet")]
        return parquet(path, pairs, schema);
        #[cfg(not(feature = "parquet"))]
        return Err(DataError::InvalidConfig {
            field: "format",
            value: "parquet".to_owned(),
            allowed: "csv, tsv, jsonl: this build lacks the feature `parquet`".to_owned(),
        });
    }
    let io = |error| DataError::io(path, "write")(error);
    let mut writer = Compressed::new(path, AtomicFile::create(path)?).map_err(io)?;
    match format {
        TableFormat::Jsonl => {
            for pair in checked(path, pairs) {
                let pair = pair?;
                let line = serde_json::to_vec(&Record::new(pair, schema));
                let mut line = line.map_err(|error| io(error.into()))?;
                line.push(b'\n');
                writer.write_all(&line).map_err(io)?;
            }
        }
        _ => {
            let delimiter = if format == TableFormat::Tsv {
                b'\t'
            } else {
                b','
            };
            let mut builder = csv::WriterBuilder::new();
            // The header is written by hand: a table without rows has one too.
            builder.delimiter(delimiter).has_headers(false);
            let mut table = builder.from_writer(writer);
            let csv_error = |error: csv::Error| io(std::io::Error::other(error));
            table.write_record(COLUMNS).map_err(csv_error)?;
            for pair in checked(path, pairs) {
                let record = Record::new(pair?, schema);
                table.serialize(record).map_err(csv_error)?;
            }
            let inner = table.into_inner();
            writer = inner.map_err(|error| io(error.into_error()))?;
        }
    }
    Ok(writer.finish().map_err(io)?.commit()?)
}

/// The pairs, with an error in the place of one that a table cannot hold.
pub(crate) fn checked<'a>(
    path: &Path,
    pairs: impl IntoIterator<Item = &'a LabeledPair>,
) -> impl Iterator<Item = Result<&'a LabeledPair, DataError>> {
    pairs.into_iter().enumerate().map(move |(row, labeled)| {
        let (query, item) = (&labeled.pair.query, &labeled.pair.item);
        let strays = !item.locale.is_empty() && item.locale != query.locale;
        let (field, value, allowed) = if query.text.trim().is_empty() {
            ("query.text", &query.text, "a text")
        } else if item.fields().next().is_none() {
            let allowed = "a text, here or in another field of the item";
            ("item.title", &item.title, allowed)
        } else if strays {
            ("item.locale", &item.locale, "empty or that of the query")
        } else {
            return Ok(labeled);
        };
        Err(DataError::InvalidField {
            path: path.to_owned(),
            position: Position::Row(row),
            field,
            value: format!("{value:?}"),
            allowed,
        })
    })
}

#[cfg(feature = "parquet")]
fn parquet<'a>(
    path: &Path,
    pairs: impl IntoIterator<Item = &'a LabeledPair>,
    schema: &LabelSchema,
) -> Result<(), DataError> {
    use super::parquet_table::{Cell, ParquetTable};

    let columns = COLUMNS.map(|name| (name, Cell::Text("")));
    let mut table = ParquetTable::create(path, &columns)?;
    for pair in checked(path, pairs) {
        table.push(&Record::new(pair?, schema).values().map(Cell::Text))?;
    }
    Ok(table.finish()?.commit()?)
}
