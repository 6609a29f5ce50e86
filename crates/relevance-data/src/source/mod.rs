//! Pairs from tables: CSV, TSV, JSON Lines and parquet with named columns, WANDS, plain or compressed.
//!
//! Every source streams: memory holds one row (parquet: one batch of 1,024) whatever the file's size.
//!
//! ```
//! use relevance_data::{ColumnMap, LabelSchema, PairSource, SourceConfig};
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("judgments.tsv");
//! std::fs::write(&path, "q\tproduct\tgrade\nusb cable\tUSB-C cable, 2 m\tE\nusb cable\tGarden hose\tI\n")?;
//!
//! let columns = ColumnMap { label: Some("grade".into()), ..ColumnMap::new("q", "product") };
//! let config = SourceConfig { columns, ..SourceConfig::default() };
//! let mut source = PairSource::open(&path, &config, &LabelSchema::esci())?;
//! let first = source.next().unwrap()?;
//! assert_eq!(first.pair.item.title, "USB-C cable, 2 m");
//! assert_eq!(source.count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
pub(crate) mod compression;
mod delimited;
mod format;
mod json_lines;
mod pairs;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
pub(crate) mod parquet_table;
mod record_limit;
mod report;
mod row;
mod wands;
mod wands_writer;
mod writer;

pub use columns::ColumnMap;
pub use compression::Packing;
#[cfg(feature = "parquet")]
pub(crate) use compression::find_packed;
pub use format::TableFormat;
pub use pairs::{PairSource, SourceConfig, SourcePair};
pub use report::{RowPolicy, RowReport};
pub(crate) use row::fault;
pub use wands::wands;
pub use wands_writer::write_wands;
pub use writer::write_pairs;
