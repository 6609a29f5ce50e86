//! The file of judgments.

use super::{EsciFilter, products::Wanted};
use crate::DataError;
use crate::columns::{Column, Kind, Needed, batches};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) const COLUMNS: Needed = &[
    ("example_id", Kind::Key),
    ("query", Kind::Text),
    ("query_id", Kind::Key),
    ("product_id", Kind::Text),
    ("product_locale", Kind::Text),
    ("esci_label", Kind::Text),
    ("small_version", Kind::Flag),
    ("large_version", Kind::Flag),
    ("split", Kind::Text),
];

/// One judgment.
pub(super) struct ExampleRow {
    /// Where it stands, counted from 0.
    pub(super) row: usize,
    pub(super) example_id: String,
    pub(super) query: String,
    pub(super) query_id: String,
    pub(super) product_id: String,
    pub(super) locale: String,
    pub(super) label: String,
    pub(super) small_version: bool,
    pub(super) split: String,
}

impl ExampleRow {
    pub(super) fn missing_product(&self, path: &Path, products: &Path) -> DataError {
        DataError::MissingProduct {
            path: path.to_owned(),
            row: self.row,
            example_id: self.example_id.as_str().into(),
            product_id: self.product_id.as_str().into(),
            locale: self.locale.as_str().into(),
            products: products.to_owned(),
        }
    }
}

/// The rows that pass a filter.
pub(super) fn rows(
    path: &Path,
    filter: EsciFilter,
) -> Result<impl Iterator<Item = Result<ExampleRow, DataError>> + use<>, DataError> {
    let all = all_rows(path)?;
    Ok(all.filter(move |row| row.as_ref().map_or(true, |row| filter.accepts(row))))
}

/// The products of the rows that pass a filter; at least one row does.
pub(super) fn wanted_products(path: &Path, filter: &EsciFilter) -> Result<Wanted, DataError> {
    let mut wanted = Wanted::default();
    let mut available = BTreeMap::<(String, String), usize>::new();
    let mut selected = 0_usize;
    for row in all_rows(path)? {
        let row = row?;
        if filter.accepts(&row) {
            selected += 1;
            wanted.insert(row.locale, row.product_id);
        } else {
            *available.entry((row.split, row.locale)).or_default() += 1;
        }
    }
    if selected > 0 {
        return Ok(wanted);
    }
    let counts: Vec<String> = available
        .iter()
        .map(|((split, locale), count)| format!("{count} of split {split:?}, locale {locale:?}"))
        .collect();
    Err(DataError::EmptySelection {
        path: path.to_owned(),
        filter: filter.to_string(),
        available: if counts.is_empty() {
            "no rows at all".to_owned()
        } else {
            counts.join("; ")
        },
    })
}

fn all_rows(
    path: &Path,
) -> Result<impl Iterator<Item = Result<ExampleRow, DataError>> + use<>, DataError> {
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
) -> Vec<Result<ExampleRow, DataError>> {
    let column = |name: &'static str| (name, Column::of(batch, name));
    let [
        example_id,
        query,
        query_id,
        product_id,
        locale,
        label,
        split,
    ] = [
        "example_id",
        "query",
        "query_id",
        "product_id",
        "product_locale",
        "esci_label",
        "split",
    ]
    .map(column);
    let small_version = Column::of(batch, "small_version");
    let read = |index: usize| {
        let row = first_row + index;
        let text = |(name, column): &(&'static str, Column<'_>)| {
            column.text(index).ok_or_else(|| DataError::MissingValue {
                path: path.to_owned(),
                row,
                column: (*name).to_owned(),
            })
        };
        Ok(ExampleRow {
            row,
            example_id: text(&example_id)?,
            query: text(&query)?,
            query_id: text(&query_id)?,
            product_id: text(&product_id)?,
            locale: text(&locale)?,
            label: text(&label)?,
            small_version: small_version.flag(index).unwrap_or(false),
            split: text(&split)?,
        })
    };
    (0..batch.num_rows()).map(read).collect()
}
