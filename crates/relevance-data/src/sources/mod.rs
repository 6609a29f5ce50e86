//! Files that hold pairs and records, and their writers. Every one of them streams: memory holds a row or a batch
//! of rows, whatever the file's size.
//!
//! | files | read by | written by |
//! |---|---|---|
//! | CSV, TSV, JSON Lines, parquet with named columns | [`PairSource`] | [`write_pairs`] |
//! | ESCI's two parquet files | [`EsciDataset`](esci::EsciDataset) | [`write_esci`](esci::write_esci) |
//! | WANDS' three tab-separated files | [`wands()`] | [`write_wands`] |
//! | TRL's datasets | [`TrlSource`] | [`write_trl`] |
//! | any record, one a line | [`JsonlReader`](crate::JsonlReader) | [`write_jsonl`](crate::write_jsonl) |

#[cfg(feature = "tables")]
pub(crate) mod compression;
#[cfg(feature = "parquet")]
pub mod esci;
pub(crate) mod hash;
#[cfg(feature = "tables")]
mod item_store;
pub(crate) mod jsonl;
#[cfg(feature = "parquet")]
mod parquet_columns;
#[cfg(feature = "parquet")]
mod parquet_file;
#[cfg(feature = "tables")]
mod row_report;
#[cfg(feature = "tables")]
mod tables;
mod trl;
#[cfg(feature = "tables")]
mod wands;

#[cfg(feature = "tables")]
pub use compression::Packing;
#[cfg(feature = "tables")]
pub use row_report::{RowPolicy, RowReport};
#[cfg(feature = "tables")]
pub use tables::{ColumnMap, PairSource, SourceConfig, SourcePair, TableFormat, write_pairs};
pub use trl::{TrlColumn, TrlRecord, TrlText};
#[cfg(feature = "tables")]
pub use trl::{TrlSource, write_trl};
#[cfg(feature = "tables")]
pub use wands::{wands, write_wands};
