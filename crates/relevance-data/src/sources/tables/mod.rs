//! Pairs from tables: CSV, TSV, JSON Lines and parquet with named columns, plain or compressed.
//!
//! A table streams: memory holds one row (parquet: one batch of 1,024) whatever the file's size.
//!
//! ```
//! use relevance_data::{ColumnMap, LabelSchema, PairSource, SourceConfig};
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("judgments.tsv");
//! std::fs::write(&path, "q\tproduct\tgrade\nusb cable\tUSB-C cable, 2 m\tE\nusb cable\tGarden hose\tI\n")?;
//!
//! let config = SourceConfig::new(ColumnMap::new("q", "product").with_label("grade"));
//! let mut source = PairSource::open(&path, &config, &LabelSchema::esci())?;
//! let first = source.next().unwrap()?;
//! assert_eq!(first.pair.item.title, "USB-C cable, 2 m");
//! assert_eq!(source.count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod column_map;
pub(super) mod delimited;
mod format;
mod json_lines;
mod pairs;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
pub(super) mod parquet_table;
mod record_limit;
mod row;
mod writer;

pub use column_map::ColumnMap;
pub(super) use column_map::Field;
pub use format::TableFormat;
pub use pairs::{PairSource, SourceConfig, SourcePair};
pub(super) use row::{Row, Rows, fault};
pub(super) use writer::checked;
pub use writer::write_pairs;
