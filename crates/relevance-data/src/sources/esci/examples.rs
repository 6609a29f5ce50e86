//! The file of judgments.

use super::EsciFilter;
use crate::sources::parquet_columns::{Column, Kind, Needed};
use crate::sources::parquet_file::{Batch, ParquetFile};
use crate::sources::tables::fault;
use crate::{DataError, Label, LabelSchema, RowFault};
use std::borrow::Cow;
use std::collections::BTreeMap;

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

/// The columns that a filter looks at and those that a judgment consists of.
pub(super) fn columns_of(filter: &EsciFilter) -> Vec<&'static str> {
    let mut columns = keys_of(filter);
    columns.extend(["query", "query_id", "esci_label"]);
    columns
}

/// The columns that a filter looks at and those that name a product.
pub(super) fn keys_of(filter: &EsciFilter) -> Vec<&'static str> {
    let mut columns = vec!["product_id", "product_locale"];
    columns.extend(filter.split.is_some().then_some("split"));
    columns.extend(filter.small_version.then_some("small_version"));
    columns
}

/// One judgment.
pub(super) struct Example<'a> {
    pub(super) query: Cow<'a, str>,
    pub(super) query_id: Cow<'a, str>,
    pub(super) product_id: Cow<'a, str>,
    pub(super) locale: Cow<'a, str>,
    pub(super) label: Label,
}

/// A batch of [`keys_of`] a filter.
pub(super) struct Keys<'a> {
    file: &'a ParquetFile,
    filter: &'a EsciFilter,
    first_row: usize,
    product_id: Column<'a>,
    locale: Column<'a>,
    split: Option<Column<'a>>,
    small_version: Option<Column<'a>>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(file: &'a ParquetFile, filter: &'a EsciFilter, batch: &'a Batch) -> Self {
        let column = |name| Column::of(&batch.rows, name);
        Self {
            file,
            filter,
            first_row: batch.first_row,
            product_id: column("product_id"),
            locale: column("product_locale"),
            split: filter.split.is_some().then(|| column("split")),
            small_version: filter.small_version.then(|| column("small_version")),
        }
    }

    /// Locale and product id of a row; `None` if the filter passes over it.
    ///
    /// The row is counted within the batch.
    pub(super) fn key(&self, row: usize) -> Result<Option<[Cow<'a, str>; 2]>, DataError> {
        let locale = self.text(&self.locale, "product_locale", row)?;
        let split = match &self.split {
            Some(split) => Some(self.text(split, "split", row)?),
            None => None,
        };
        let small = self.small_version.as_ref();
        let small = small.is_some_and(|column| column.flag(row).unwrap_or(false));
        if !self.filter.accepts(split.as_deref(), &locale, small) {
            return Ok(None);
        }
        let product_id = self.text(&self.product_id, "product_id", row)?;
        Ok(Some([locale, product_id]))
    }

    fn text(&self, column: &Column<'a>, name: &str, row: usize) -> Result<Cow<'a, str>, DataError> {
        column.text(row).ok_or_else(|| {
            let position = self.file.position(self.first_row + row);
            let (path, message) = (self.file.name(), "null; a value is needed");
            fault(path, position, Some(name), RowFault::MissingValue, message)
        })
    }
}

/// A batch of [`columns_of`] a filter.
pub(super) struct Examples<'a> {
    keys: Keys<'a>,
    query: Column<'a>,
    query_id: Column<'a>,
    label: Column<'a>,
    schema: &'a LabelSchema,
    /// Labels that were read before, as they are written.
    known: BTreeMap<Cow<'a, str>, Label>,
}

impl<'a> Examples<'a> {
    pub(super) fn new(
        file: &'a ParquetFile,
        filter: &'a EsciFilter,
        schema: &'a LabelSchema,
        batch: &'a Batch,
    ) -> Self {
        let column = |name| Column::of(&batch.rows, name);
        Self {
            keys: Keys::new(file, filter, batch),
            query: column("query"),
            query_id: column("query_id"),
            label: column("esci_label"),
            schema,
            known: BTreeMap::new(),
        }
    }

    /// A row, counted within the batch; `None` if the filter passes over it.
    pub(super) fn row(&mut self, row: usize) -> Result<Option<Example<'a>>, DataError> {
        let Some([locale, product_id]) = self.keys.key(row)? else {
            return Ok(None);
        };
        Ok(Some(Example {
            query: self.keys.text(&self.query, "query", row)?,
            query_id: self.keys.text(&self.query_id, "query_id", row)?,
            product_id,
            locale,
            label: self.label(row)?,
        }))
    }

    fn label(&mut self, row: usize) -> Result<Label, DataError> {
        let text = self.keys.text(&self.label, "esci_label", row)?;
        if let Some(label) = self.known.get(&text) {
            return Ok(*label);
        }
        let label = self.schema.parse(&text).map_err(|error| {
            let keys = &self.keys;
            let position = keys.file.position(keys.first_row + row);
            let (path, column) = (keys.file.name(), Some("esci_label"));
            let message = error.to_string();
            fault(path, position, column, RowFault::UnknownLabel, message)
        })?;
        self.known.insert(text, label);
        Ok(label)
    }
}

/// The error of a judgment whose product the other file lacks.
pub(super) fn missing_product(
    examples: &ParquetFile,
    row: usize,
    [locale, product_id]: [&str; 2],
    products: &ParquetFile,
) -> DataError {
    let products = products.name().display();
    let message = format!("{product_id:?} of locale {locale:?} is not in {products}");
    let (position, kind) = (examples.position(row), RowFault::MissingReference);
    fault(examples.name(), position, Some("product_id"), kind, message)
}

/// The error of a filter that no row passes, with what there is.
pub(super) fn empty_selection(file: &ParquetFile, filter: &EsciFilter) -> DataError {
    match available(file) {
        Err(error) => error,
        Ok(available) => DataError::EmptySelection {
            path: file.name().to_owned(),
            filter: filter.to_string(),
            available,
        },
    }
}

fn available(file: &ParquetFile) -> Result<String, DataError> {
    let mut counts = BTreeMap::<(String, String), usize>::new();
    for batch in file.batches(&["split", "product_locale"])? {
        let batch = batch?;
        let column = |name| Column::of(&batch.rows, name);
        let (split, locale) = (column("split"), column("product_locale"));
        for row in 0..batch.rows.num_rows() {
            let text = |column: &Column<'_>| column.text(row).unwrap_or_default().into_owned();
            *counts.entry((text(&split), text(&locale))).or_default() += 1;
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|((split, locale), count)| format!("{count} of split {split:?}, locale {locale:?}"))
        .collect();
    Ok(if counts.is_empty() {
        "no rows at all".to_owned()
    } else {
        counts.join("; ")
    })
}
