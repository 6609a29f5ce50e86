//! The official files of Amazon's Shopping Queries data set (ESCI, arXiv 2206.06588).
//!
//! Two parquet files in one folder: `shopping_queries_dataset_examples.parquet` (`example_id`,
//! `query`, `query_id`, `product_id`, `product_locale`, `esci_label`, `small_version`,
//! `large_version`, `split`) and `shopping_queries_dataset_products.parquet` (`product_id`,
//! `product_title`, `product_description`, `product_bullet_point`, `product_brand`,
//! `product_color`, `product_locale`), joined on locale and product id. Both are read in batches of
//! rows, in parallel; columns beyond these are passed over. Either file may be packed as a whole
//! (`.parquet.gz`, `.parquet.zst`).

mod batch;
mod by_product;
mod examples;
mod in_order;
mod judgments;
mod lanes;
mod pairs;
mod prefetch;
mod products;
mod tuple_index;
mod writer;

pub use batch::{EsciBatch, EsciBatches, EsciRow};
pub use pairs::EsciPairs;
pub use writer::{EsciRecord, write_esci};

use crate::sources::item_store::ItemStore;
use crate::sources::parquet_columns::{Needed, check_schema};
use crate::sources::parquet_file::ParquetFile;
use crate::{DataError, Item, LabelSchema, LabeledPair, RowPolicy};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The name of the file of judgments.
pub const EXAMPLES_FILE: &str = "shopping_queries_dataset_examples.parquet";
/// The name of the file of products.
pub const PRODUCTS_FILE: &str = "shopping_queries_dataset_products.parquet";

/// Which judgments are wanted; the default wants all.
///
/// ```
/// use relevance_data::EsciFilter;
/// let filter = EsciFilter::split("test").with_locales(["us"]).with_small_version(true);
/// assert_eq!(filter, serde_json::from_str(r#"{"split": "test", "locales": ["us"], "small_version": true}"#)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
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

    /// The same filter, on the reduced version only, or on all.
    #[must_use]
    pub fn with_small_version(mut self, small_version: bool) -> Self {
        self.small_version = small_version;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] for a list of locales without one.
    pub fn validate(&self) -> Result<(), DataError> {
        if self.locales.as_ref().is_some_and(Vec::is_empty) {
            return Err(DataError::InvalidConfig {
                field: "locales",
                value: "empty".to_owned(),
                allowed: "at least 1 locale, or no list, which means all".to_owned(),
            });
        }
        Ok(())
    }

    /// `split` is only looked at where the filter names one.
    fn accepts(&self, split: Option<&str>, locale: &str, small_version: bool) -> bool {
        let wanted = self.split.as_deref();
        wanted.is_none_or(|wanted| split == Some(wanted))
            && self.accepts_locale(locale)
            && (!self.small_version || small_version)
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
///
/// ```
/// use relevance_data::{EsciDataset, EsciFilter};
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data");
/// let dataset = EsciDataset::open(folder)?;
/// let train = EsciFilter::split("train").with_locales(["us"]);
/// let first = dataset.stream(&train)?.next().unwrap()?;
/// assert_eq!(first.pair.query.locale, "us");
/// assert!(dataset.schema().name(first.label).starts_with(['E', 'S', 'C', 'I']));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EsciDataset {
    examples: ParquetFile,
    products: ParquetFile,
    schema: LabelSchema,
    policy: RowPolicy,
    memory_budget: usize,
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
        Ok(Self {
            examples: open(dir, EXAMPLES_FILE, examples::COLUMNS)?,
            products: open(dir, PRODUCTS_FILE, products::COLUMNS)?,
            schema: LabelSchema::esci(),
            policy: RowPolicy::default(),
            memory_budget: ItemStore::BUDGET,
        })
    }

    /// The same files, with other classes or gains for the values of `esci_label`.
    #[must_use]
    pub fn with_schema(mut self, schema: LabelSchema) -> Self {
        self.schema = schema;
        self
    }

    /// The same files, with a policy for rows that cannot be used (default: [`RowPolicy::Fail`]).
    #[must_use]
    pub fn with_policy(mut self, policy: RowPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how many bytes of product texts [`EsciDataset::stream`] holds in memory (default: 512 MiB). What
    /// is beyond lies in a temporary file, in the folder that [`std::env::temp_dir`] names.
    #[must_use]
    pub fn with_memory_budget(mut self, bytes: usize) -> Self {
        self.memory_budget = bytes;
        self
    }

    /// The classes.
    pub fn schema(&self) -> &LabelSchema {
        &self.schema
    }

    /// The two files: examples, products.
    pub fn files(&self) -> [&Path; 2] {
        [self.examples.name(), self.products.name()]
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
    /// In memory are the keys of the products that they need (some 80 bytes each) and the products' texts up to
    /// [a budget](EsciDataset::with_memory_budget), beyond it in a temporary file; the pairs are not. The
    /// examples file is read twice (which products? then the pairs), the products file once. Where the order
    /// does not matter, [`EsciDataset::stream_by_product`] needs less of everything.
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] as [`EsciFilter::validate`]; [`DataError::EmptySelection`] if no row passes
    /// the filter; [`DataError::Io`],
    /// [`DataError::Parquet`] or [`DataError::Arrow`] if a file cannot be decoded. Under
    /// [`RowPolicy::Fail`] here or from the stream: [`DataError::Row`] with file, row, row group, column and
    /// value for a null, a label that the schema lacks, or a product that the products file lacks.
    pub fn stream(&self, filter: &EsciFilter) -> Result<EsciPairs, DataError> {
        filter.validate()?;
        in_order::stream(self, filter)
    }

    /// The wanted pairs, one by one, those of one product together.
    ///
    /// In memory are the judgments (some 100 bytes each, most of it the product's key), each different query
    /// once, and a few thousand rows of products; no product's texts are held. Pairs come in an order of their
    /// own that is the same in every run and on every machine: of files below 65,536 products that of the products
    /// file. The examples file is read once, the products' keys and then their texts once each.
    ///
    /// # Errors
    /// As [`EsciDataset::stream`]. Faulty rows are found before the first pair comes.
    pub fn stream_by_product(&self, filter: &EsciFilter) -> Result<EsciPairs, DataError> {
        filter.validate()?;
        by_product::stream(self, filter)
    }

    /// What [`EsciDataset::stream_by_product`] gives, as batches whose rows borrow their texts: for a pass over
    /// everything that keeps little of it, nothing is copied.
    ///
    /// ```no_run
    /// use relevance_data::{EsciDataset, EsciFilter};
    /// let (mut pairs, mut characters) = (0, 0);
    /// for batch in EsciDataset::open("data/esci")?.batches_by_product(&EsciFilter::default())? {
    ///     for row in batch?.rows() {
    ///         pairs += 1;
    ///         characters += row.title.chars().count();
    ///     }
    /// }
    /// println!("{} characters a title", characters / pairs);
    /// # Ok::<(), relevance_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As [`EsciDataset::stream_by_product`]; the iterator yields [`DataError::Arrow`].
    pub fn batches_by_product(&self, filter: &EsciFilter) -> Result<EsciBatches, DataError> {
        filter.validate()?;
        by_product::batches(self, filter)
    }

    /// All products of some locales (of all, if `None`), one by one, in the order of their file.
    ///
    /// # Errors
    /// [`DataError::Parquet`] if the file cannot be read; the iterator yields [`DataError::Row`] for a product
    /// without id or locale, whatever the policy, and [`DataError::Arrow`].
    pub fn items(
        &self,
        locales: Option<&[String]>,
    ) -> Result<impl Iterator<Item = Result<Item, DataError>> + use<>, DataError> {
        let locales = locales.map(<[String]>::to_vec);
        let wanted = move |item: &Item| {
            let locales = locales.as_ref();
            locales.is_none_or(|locales| locales.contains(&item.locale))
        };
        let file = self.products.clone();
        let columns: Vec<&str> = products::COLUMNS.iter().map(|(name, _)| *name).collect();
        let items = self
            .products
            .batches(&columns)?
            .flat_map(move |batch| match batch {
                Ok(batch) => products::items(&file, &batch),
                Err(error) => vec![Err(error)],
            });
        Ok(items.filter(move |item| item.as_ref().map_or(true, &wanted)))
    }
}

/// Opens a file of a folder, packed or not, and checks that it has the columns.
fn open(dir: &Path, name: &str, needed: Needed) -> Result<ParquetFile, DataError> {
    let file = ParquetFile::open(&crate::sources::compression::find_packed(dir, name))?;
    check_schema(file.name(), file.schema(), needed)?;
    file.with_text_views()
}
