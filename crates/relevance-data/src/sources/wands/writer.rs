//! Pairs as the three files of the Wayfair Annotation Data Set.

use super::{LABELS, PRODUCTS, QUERIES};
use crate::sources::compression::{Compressed, Packing};
use crate::sources::tables::checked;
use crate::{DataError, LabelSchema, LabeledPair, Position};
use atomic_files::AtomicFile;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// Writes labelled pairs as `query.csv`, `product.csv` and `label.csv` in WANDS' columns, all three or none;
/// [`wands`](super::wands()) reads them back. An item's bullet points become `product_features`; columns that
/// have no counterpart here (classes, ratings) stay empty.
///
/// ```
/// use relevance_data::sources::{Packing, wands, write_wands};
/// use relevance_data::*;
/// # let dir = tempfile::tempdir()?;
/// let schema = LabelSchema::wands();
/// let pair = Pair { query: Query::new("0", "sofa"), item: Item::new("7", "Grey couch") };
/// let pair = LabeledPair { pair, label: schema.parse("Exact")? };
/// write_wands(dir.path(), [&pair], &schema, Packing::Plain)?;
/// let mut source = wands(dir.path(), &schema, RowPolicy::Fail)?;
/// assert_eq!(source.next().unwrap()?.labeled(), Some(pair));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::File`] or [`DataError::Io`]; [`DataError::InvalidField`] with the pair, counted from 0, for what
/// three such files cannot hold: a query or item without an identifier or a text, one identifier with two texts,
/// an item with a brand, colour or locale, a query with a locale.
pub fn write_wands<'a>(
    folder: impl AsRef<Path>,
    pairs: impl IntoIterator<Item = &'a LabeledPair>,
    schema: &LabelSchema,
    packing: Packing,
) -> Result<(), DataError> {
    let table = |name, header: &[&str]| Table::create(folder.as_ref(), name, packing, header);
    let mut queries = table(QUERIES, &["query_id", "query", "query_class"])?;
    let mut products = table(PRODUCTS, &PRODUCT_COLUMNS)?;
    let mut labels = table(LABELS, &["id", "query_id", "product_id", "label"])?;
    for (row, labeled) in checked(&labels.path.clone(), pairs).enumerate() {
        let labeled = labeled?;
        let (query, item) = (&labeled.pair.query, &labeled.pair.item);
        for (field, value) in [
            ("query.locale", &query.locale),
            ("item.locale", &item.locale),
            ("item.brand", &item.brand),
            ("item.color", &item.color),
        ] {
            if !value.is_empty() {
                let allowed = "empty: WANDS has no column for it";
                return Err(labels.refuse(row, field, value, allowed));
            }
        }
        queries.once(row, "query.id", &query.id, &[&query.id, &query.text, ""])?;
        let (title, features) = (&item.title, &item.bullet_points);
        let product = [
            &item.id,
            title,
            "",
            "",
            &item.description,
            features,
            "",
            "",
            "",
        ];
        products.once(row, "item.id", &item.id, &product)?;
        let label = schema.name(labeled.label);
        labels.write(&[&row.to_string(), &query.id, &item.id, label])?;
    }
    // All are whole before any takes its name.
    let files = [queries.finish()?, products.finish()?, labels.finish()?];
    files.into_iter().try_for_each(AtomicFile::commit)?;
    Ok(())
}

const PRODUCT_COLUMNS: [&str; 9] = [
    "product_id",
    "product_name",
    "product_class",
    "category hierarchy",
    "product_description",
    "product_features",
    "rating_count",
    "average_rating",
    "review_count",
];

/// One of the files.
struct Table {
    path: PathBuf,
    writer: csv::Writer<Compressed<AtomicFile>>,
    /// A hash of the row of each identifier.
    rows: HashMap<String, u64>,
    hasher: RandomState,
}

impl Table {
    fn create(
        folder: &Path,
        name: &str,
        packing: Packing,
        header: &[&str],
    ) -> Result<Self, DataError> {
        let path = folder.join(packing.name(name));
        let file = Compressed::new(&path, AtomicFile::create(&path)?);
        let file = file.map_err(DataError::io(&path, "write"))?;
        let mut table = Self {
            writer: csv::WriterBuilder::new().delimiter(b'\t').from_writer(file),
            path,
            rows: HashMap::new(),
            hasher: RandomState::new(),
        };
        table.write(header)?;
        Ok(table)
    }

    fn write(&mut self, row: &[&str]) -> Result<(), DataError> {
        let written = self.writer.write_record(row);
        written.map_err(|error| DataError::io(&self.path, "write")(std::io::Error::other(error)))
    }

    /// Writes a row unless the one of its identifier is there.
    fn once(
        &mut self,
        pair: usize,
        field: &'static str,
        id: &str,
        row: &[&str],
    ) -> Result<(), DataError> {
        if id.is_empty() {
            let allowed = "an identifier: the files are joined on it";
            return Err(self.refuse(pair, field, id, allowed));
        }
        let hash = self.hasher.hash_one(row);
        match self.rows.insert(id.to_owned(), hash) {
            None => self.write(row),
            Some(other) if other == hash => Ok(()),
            Some(_) => {
                let allowed = "one text for each identifier";
                Err(self.refuse(pair, field, id, allowed))
            }
        }
    }

    fn refuse(
        &self,
        pair: usize,
        field: &'static str,
        value: &str,
        allowed: &'static str,
    ) -> DataError {
        DataError::InvalidField {
            path: self.path.clone(),
            position: Position::Row(pair),
            field,
            value: format!("{value:?}"),
            allowed,
        }
    }

    fn finish(self) -> Result<AtomicFile, DataError> {
        let Self { path, writer, .. } = self;
        let file = writer.into_inner().map_err(csv::IntoInnerError::into_error);
        let file = file.and_then(Compressed::finish);
        file.map_err(DataError::io(&path, "write"))
    }
}
