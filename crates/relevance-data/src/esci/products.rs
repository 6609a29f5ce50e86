//! The file of products.

use crate::columns::{Column, Kind, Needed, batches};
use crate::{DataError, Item};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub(super) const COLUMNS: Needed = &[
    ("product_id", Kind::Text),
    ("product_title", Kind::Text),
    ("product_description", Kind::Text),
    ("product_bullet_point", Kind::Text),
    ("product_brand", Kind::Text),
    ("product_color", Kind::Text),
    ("product_locale", Kind::Text),
];

/// Which products are wanted: ids by locale.
#[derive(Default)]
pub(super) struct Wanted(HashMap<String, HashSet<String>>);

impl Wanted {
    pub(super) fn insert(&mut self, locale: String, product_id: String) {
        self.0.entry(locale).or_default().insert(product_id);
    }

    fn contains(&self, locale: &str, product_id: &str) -> bool {
        self.0
            .get(locale)
            .is_some_and(|ids| ids.contains(product_id))
    }
}

/// Products by locale and id.
pub(super) struct Catalog(HashMap<String, HashMap<String, Item>>);

impl Catalog {
    pub(super) fn get(&self, locale: &str, product_id: &str) -> Option<&Item> {
        self.0.get(locale)?.get(product_id)
    }
}

/// The wanted products of a file; of several rows of one product the first counts.
pub(super) fn catalog(path: &Path, wanted: &Wanted) -> Result<Catalog, DataError> {
    let mut catalog: HashMap<String, HashMap<String, Item>> = HashMap::new();
    for item in rows(path)? {
        let item = item?;
        if wanted.contains(&item.locale, &item.id) {
            let items = catalog.entry(item.locale.clone()).or_default();
            items.entry(item.id.clone()).or_insert(item);
        }
    }
    Ok(Catalog(catalog))
}

/// All products of a file.
pub(super) fn rows(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Item, DataError>> + use<>, DataError> {
    let path: PathBuf = path.to_owned();
    let batches = batches(&path, COLUMNS)?;
    Ok(batches.flat_map(move |batch| match batch {
        Ok((first_row, batch)) => decode(&path, first_row, &batch),
        Err(error) => vec![Err(error)],
    }))
}

fn decode(
    path: &Path,
    first_row: usize,
    batch: &arrow_array::RecordBatch,
) -> Vec<Result<Item, DataError>> {
    let [id, title, description, bullet_points, brand, color, locale] =
        [0, 1, 2, 3, 4, 5, 6].map(|index: usize| Column::of(batch, COLUMNS[index].0));
    let read = |row: usize| {
        let key = |column: &Column<'_>, name: &str| {
            column.text(row).ok_or_else(|| DataError::MissingValue {
                path: path.to_owned(),
                row: first_row + row,
                column: name.to_owned(),
            })
        };
        // A product may lack any of its texts, but not its key.
        let text = |column: &Column<'_>| column.text(row).unwrap_or_default();
        Ok(Item {
            id: key(&id, "product_id")?,
            title: text(&title),
            description: text(&description),
            bullet_points: text(&bullet_points),
            brand: text(&brand),
            color: text(&color),
            locale: key(&locale, "product_locale")?,
        })
    };
    (0..batch.num_rows()).map(read).collect()
}
