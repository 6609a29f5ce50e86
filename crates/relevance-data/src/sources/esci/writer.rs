//! Judged pairs as the two official files.

use super::tuple_index::TupleIndex;
use super::{EXAMPLES_FILE, PRODUCTS_FILE};
use crate::sources::Packing;
use crate::sources::tables::parquet_table::{Cell, ParquetTable};
use crate::{DataError, LabelSchema, LabeledPair, Position};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// A row of the examples file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EsciRecord<'a> {
    /// The query, the item and the judgment.
    pub pair: &'a LabeledPair,
    /// The part of the data (`train` or `test` in the official files).
    pub split: &'a str,
    /// Whether the row belongs to the reduced version.
    pub small_version: bool,
}

/// Writes the two official files, both or neither; [`EsciDataset`](super::EsciDataset) reads them back.
/// `example_id` counts the rows, `large_version` is 1, labels are written by their first alias (`E`), or by
/// their name if they have none. Which products are written already is held in memory, about 100 bytes each.
///
/// ```
/// use relevance_data::esci::{EsciRecord, write_esci};
/// use relevance_data::sources::Packing;
/// use relevance_data::{EsciDataset, EsciFilter, Item, LabelSchema, LabeledPair, Pair, Query};
/// # let dir = tempfile::tempdir()?;
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("1", "usb cable"), item: Item::new("B1", "USB-C cable, 2 m") };
/// let pair = LabeledPair { pair, label: schema.parse("E")? };
/// let record = EsciRecord { pair: &pair, split: "train", small_version: false };
/// write_esci(dir.path(), [record], &schema, Packing::Plain)?;
/// assert_eq!(EsciDataset::open(dir.path())?.pairs(&EsciFilter::split("train"))?, [pair]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::File`], [`DataError::Io`] or [`DataError::Parquet`]; [`DataError::InvalidField`] with the row,
/// counted from 0, for what the two files cannot hold: an item without an identifier, an item of another locale
/// than its query, one identifier of a locale with two texts.
pub fn write_esci<'a>(
    folder: impl AsRef<Path>,
    records: impl IntoIterator<Item = EsciRecord<'a>>,
    schema: &LabelSchema,
    packing: Packing,
) -> Result<(), DataError> {
    let file = |name| folder.as_ref().join(packing.name(name));
    let (mut examples, mut products) = (
        ParquetTable::create(&file(EXAMPLES_FILE), &EXAMPLE_COLUMNS)?,
        Products::create(file(PRODUCTS_FILE))?,
    );
    for (row, record) in records.into_iter().enumerate() {
        products.add(row, record.pair)?;
        let LabeledPair { pair, label } = record.pair;
        let class = &schema.classes()[label.index()];
        let label = class.aliases.first().unwrap_or(&class.name);
        examples.push(&[
            Cell::Integer(row as i64),
            Cell::Text(&pair.query.text),
            Cell::Text(&pair.query.id),
            Cell::Text(&pair.item.id),
            Cell::Text(&pair.query.locale),
            Cell::Text(label),
            Cell::Integer(record.small_version.into()),
            Cell::Integer(1),
            Cell::Text(record.split),
        ])?;
    }
    // Both are whole before either takes its name.
    let (examples, products) = (examples.finish()?, products.table.finish()?);
    products.commit()?;
    Ok(examples.commit()?)
}

const EXAMPLE_COLUMNS: [(&str, Cell<'_>); 9] = [
    ("example_id", Cell::Integer(0)),
    ("query", Cell::Text("")),
    ("query_id", Cell::Text("")),
    ("product_id", Cell::Text("")),
    ("product_locale", Cell::Text("")),
    ("esci_label", Cell::Text("")),
    ("small_version", Cell::Integer(0)),
    ("large_version", Cell::Integer(1)),
    ("split", Cell::Text("")),
];

/// The products file, each product once.
struct Products {
    path: PathBuf,
    table: ParquetTable,
    /// Locale and id.
    keys: TupleIndex<2>,
    /// A hash of each product's texts.
    texts: Vec<u64>,
    hasher: RandomState,
}

impl Products {
    fn create(path: PathBuf) -> Result<Self, DataError> {
        let columns = super::products::COLUMNS;
        let columns: Vec<_> = columns
            .iter()
            .map(|(name, _)| (*name, Cell::Text("")))
            .collect();
        Ok(Self {
            table: ParquetTable::create(&path, &columns)?,
            path,
            keys: TupleIndex::default(),
            texts: Vec::new(),
            hasher: RandomState::new(),
        })
    }

    fn add(&mut self, row: usize, labeled: &LabeledPair) -> Result<(), DataError> {
        let (query, item) = (&labeled.pair.query, &labeled.pair.item);
        if item.id.is_empty() {
            let allowed = "an identifier: the files are joined on it";
            return Err(self.refuse(row, "item.id", &item.id, allowed));
        }
        if item.locale != query.locale {
            let allowed = "the query's locale: the files are joined on it";
            return Err(self.refuse(row, "item.locale", &item.locale, allowed));
        }
        let values = [
            &item.id,
            &item.title,
            &item.description,
            &item.bullet_points,
            &item.brand,
            &item.color,
            &item.locale,
        ];
        let hash = self.hasher.hash_one(values);
        let number = self.keys.insert([&item.locale, &item.id]) as usize;
        match self.texts.get(number) {
            None => {
                self.texts.push(hash);
                self.table.push(&values.map(|value| Cell::Text(value)))
            }
            Some(known) if *known == hash => Ok(()),
            Some(_) => {
                let allowed = "one text for each identifier of a locale";
                Err(self.refuse(row, "item.id", &item.id, allowed))
            }
        }
    }

    fn refuse(
        &self,
        row: usize,
        field: &'static str,
        value: &str,
        allowed: &'static str,
    ) -> DataError {
        DataError::InvalidField {
            path: self.path.clone(),
            position: Position::Row(row),
            field,
            value: format!("{value:?}"),
            allowed,
        }
    }
}
