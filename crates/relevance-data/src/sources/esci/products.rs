//! The file of products.

use crate::sources::parquet_columns::{Column, Kind, Needed};
use crate::sources::parquet_file::{Batch, ParquetFile};
use crate::sources::tables::fault;
use crate::{DataError, Item, RowFault};
use std::borrow::Cow;

pub(super) const COLUMNS: Needed = &[
    ("product_id", Kind::Text),
    ("product_title", Kind::Text),
    ("product_description", Kind::Text),
    ("product_bullet_point", Kind::Text),
    ("product_brand", Kind::Text),
    ("product_color", Kind::Text),
    ("product_locale", Kind::Text),
];

/// The columns that name a product.
pub(super) const KEYS: [&str; 2] = ["product_id", "product_locale"];
/// The columns of what a product says, in the order of [`Texts`].
pub(super) const TEXTS: [&str; 5] = [
    "product_title",
    "product_description",
    "product_bullet_point",
    "product_brand",
    "product_color",
];

/// What a product says: title, description, bullet points, brand, color. Any may be null, and is then empty.
pub(super) struct Texts<'a>([Column<'a>; 5]);

impl<'a> Texts<'a> {
    /// The columns of a batch that has all of [`TEXTS`].
    pub(super) fn new(batch: &'a Batch) -> Self {
        Self(TEXTS.map(|name| Column::of(&batch.rows, name)))
    }

    /// The texts of a row, counted within the batch.
    pub(super) fn row(&self, row: usize) -> [Cow<'a, str>; 5] {
        [0, 1, 2, 3, 4].map(|text: usize| self.0[text].text(row).unwrap_or_default())
    }
}

/// A product with its texts.
pub(super) fn item<S: Into<String>>(locale: &str, id: &str, texts: [S; 5]) -> Item {
    let [title, description, bullet_points, brand, color] = texts.map(Into::into);
    Item {
        id: id.to_owned(),
        title,
        description,
        bullet_points,
        brand,
        color,
        locale: locale.to_owned(),
    }
}

/// Locale and id of the rows of a batch that has both of [`KEYS`].
pub(super) struct Keys<'a> {
    file: &'a ParquetFile,
    first_row: usize,
    id: Column<'a>,
    locale: Column<'a>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(file: &'a ParquetFile, batch: &'a Batch) -> Self {
        Self {
            file,
            first_row: batch.first_row,
            id: Column::of(&batch.rows, KEYS[0]),
            locale: Column::of(&batch.rows, KEYS[1]),
        }
    }

    /// Locale and id of a row, counted within the batch.
    pub(super) fn key(&self, row: usize) -> Result<[Cow<'a, str>; 2], DataError> {
        let text = |column: &Column<'a>, name| {
            column.text(row).ok_or_else(|| {
                let position = self.file.position(self.first_row + row);
                let (path, message) = (self.file.name(), "null; a value is needed");
                fault(path, position, Some(name), RowFault::MissingValue, message)
            })
        };
        Ok([text(&self.locale, KEYS[1])?, text(&self.id, KEYS[0])?])
    }
}

/// The items of a batch that has all columns.
pub(super) fn items(file: &ParquetFile, batch: &Batch) -> Vec<Result<Item, DataError>> {
    let (keys, texts) = (Keys::new(file, batch), Texts::new(batch));
    let read = |row| {
        let [locale, id] = keys.key(row)?;
        Ok(item(&locale, &id, texts.row(row)))
    };
    (0..batch.rows.num_rows()).map(read).collect()
}
