//! The official files of Amazon's Shopping Queries data set (ESCI, arXiv 2206.06588).
//!
//! Two parquet files in one folder: `shopping_queries_dataset_examples.parquet` (`example_id`,
//! `query`, `query_id`, `product_id`, `product_locale`, `esci_label`, `small_version`,
//! `large_version`, `split`) and `shopping_queries_dataset_products.parquet` (`product_id`,
//! `product_title`, `product_description`, `product_bullet_point`, `product_brand`,
//! `product_color`, `product_locale`), joined on locale and product id. Both are read in batches of
//! rows; columns beyond these are passed over.

mod examples;
mod products;

use crate::{DataError, Item, LabelSchema, LabeledPair, Pair, Query};
use examples::ExampleRow;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the file of judgments.
pub const EXAMPLES_FILE: &str = "shopping_queries_dataset_examples.parquet";
/// The name of the file of products.
pub const PRODUCTS_FILE: &str = "shopping_queries_dataset_products.parquet";

/// Which judgments are wanted; the default wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EsciFilter {
    /// Only this split (`train` or `test`).
    pub split: Option<String>,
    /// Only these locales (`us`, `es`, `jp`).
    pub locales: Option<Vec<String>>,
    /// Only the reduced version (`small_version = 1`), the one of the ranking task.
    pub small_version: bool,
}

impl EsciFilter {
    /// A filter on one split.
    pub fn split(name: impl Into<String>) -> Self {
        Self {
            split: Some(name.into()),
            ..Self::default()
        }
    }

    /// The same filter, on these locales only.
    #[must_use]
    pub fn with_locales<L: Into<String>>(mut self, locales: impl IntoIterator<Item = L>) -> Self {
        self.locales = Some(locales.into_iter().map(Into::into).collect());
        self
    }

    fn accepts(&self, row: &ExampleRow) -> bool {
        self.split.as_ref().is_none_or(|split| row.split == *split)
            && self.accepts_locale(&row.locale)
            && (!self.small_version || row.small_version)
    }

    fn accepts_locale(&self, locale: &str) -> bool {
        let locales = self.locales.as_ref();
        locales.is_none_or(|locales| locales.iter().any(|wanted| wanted == locale))
    }
}

impl std::fmt::Display for EsciFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.split.as_ref().map(|split| format!("split {split:?}")));
        parts.extend(
            self.locales
                .as_ref()
                .map(|locales| format!("locale in {locales:?}")),
        );
        parts.extend(self.small_version.then(|| "small_version 1".to_owned()));
        if parts.is_empty() {
            parts.push("any value".to_owned());
        }
        f.write_str(&parts.join(" and "))
    }
}

/// A folder with the two official files, both checked to have the columns needed.
///
/// ```no_run
/// use relevance_data::{EsciDataset, EsciFilter};
/// let pairs = EsciDataset::open("data/esci")?.pairs(&EsciFilter::split("test"))?;
/// println!("{} pairs, the first for {:?}", pairs.len(), pairs[0].pair.query.text);
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EsciDataset {
    examples: PathBuf,
    products: PathBuf,
    schema: LabelSchema,
}

impl EsciDataset {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`DataError::Io`] if a file is missing, [`DataError::Parquet`] if one is not parquet,
    /// [`DataError::MissingColumn`] or [`DataError::ColumnType`] if a column is missing or of a type
    /// that cannot be read.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, DataError> {
        let dir = dir.as_ref();
        let dataset = Self {
            examples: dir.join(EXAMPLES_FILE),
            products: dir.join(PRODUCTS_FILE),
            schema: LabelSchema::esci(),
        };
        crate::columns::check(&dataset.examples, examples::COLUMNS)?;
        crate::columns::check(&dataset.products, products::COLUMNS)?;
        Ok(dataset)
    }

    /// The same files, with other classes or gains for the values of `esci_label`.
    #[must_use]
    pub fn with_schema(mut self, schema: LabelSchema) -> Self {
        self.schema = schema;
        self
    }

    /// The classes.
    pub fn schema(&self) -> &LabelSchema {
        &self.schema
    }

    /// The two files: examples, products.
    pub fn files(&self) -> [&Path; 2] {
        [&self.examples, &self.products]
    }

    /// All wanted pairs in the order of the examples file.
    ///
    /// # Errors
    /// As [`EsciDataset::stream`], and what it yields.
    pub fn pairs(&self, filter: &EsciFilter) -> Result<Vec<LabeledPair>, DataError> {
        self.stream(filter)?.collect()
    }

    /// The wanted pairs, one by one, in the order of the examples file.
    ///
    /// The products that they need are held in memory, the pairs are not: the examples file is read
    /// twice (which products? then the pairs), the products file once.
    ///
    /// # Errors
    /// [`DataError::EmptySelection`] if no row passes the filter; [`DataError::UnknownLabelInFile`],
    /// [`DataError::MissingValue`] and [`DataError::MissingProduct`] with file and row;
    /// [`DataError::Parquet`] or [`DataError::Arrow`] if a file cannot be decoded.
    pub fn stream(
        &self,
        filter: &EsciFilter,
    ) -> Result<impl Iterator<Item = Result<LabeledPair, DataError>> + use<>, DataError> {
        let wanted = examples::wanted_products(&self.examples, filter)?;
        let catalog = products::catalog(&self.products, &wanted)?;
        drop(wanted);
        let (schema, products) = (self.schema.clone(), self.products.clone());
        let path: Arc<Path> = self.examples.as_path().into();
        let rows = examples::rows(&self.examples, filter.clone())?;
        Ok(rows.map(move |row| {
            let row = row?;
            let item = catalog.get(&row.locale, &row.product_id);
            let item = item.ok_or_else(|| row.missing_product(&path, &products))?;
            pair(row, item, &schema, &path)
        }))
    }

    /// All products of some locales (of all, if `None`), one by one, in the order of their file.
    ///
    /// # Errors
    /// [`DataError::Parquet`] if the file cannot be read; the iterator yields
    /// [`DataError::MissingValue`] and [`DataError::Arrow`].
    pub fn items(
        &self,
        locales: Option<&[String]>,
    ) -> Result<impl Iterator<Item = Result<Item, DataError>> + use<>, DataError> {
        let locales = locales.map(<[String]>::to_vec);
        let wanted = move |item: &Item| {
            let locales = locales.as_ref();
            locales.is_none_or(|locales| locales.contains(&item.locale))
        };
        let rows = products::rows(&self.products)?;
        Ok(rows.filter(move |item| item.as_ref().map_or(true, &wanted)))
    }
}

fn pair(
    row: ExampleRow,
    item: &Item,
    schema: &LabelSchema,
    path: &Path,
) -> Result<LabeledPair, DataError> {
    let label = schema.parse(&row.label);
    Ok(LabeledPair {
        label: label.map_err(|error| error.in_file(path, crate::Position::Row(row.row)))?,
        pair: Pair {
            query: Query {
                id: row.query_id,
                text: row.query,
                locale: row.locale,
            },
            item: item.clone(),
        },
    })
}
