//! The files of TRL's datasets, JSON Lines or parquet. `TrlSource` reads, and `write_trl` writes, any record that
//! says what its columns are ([`TrlRecord`]).

#[cfg(all(feature = "tables", feature = "parquet"))]
mod arrow;
mod column;
#[cfg(feature = "tables")]
mod object;
#[cfg(all(feature = "tables", feature = "parquet"))]
mod parquet;
#[cfg(feature = "tables")]
mod reader;
#[cfg(feature = "tables")]
mod writer;

pub use column::{TrlColumn, TrlRecord, TrlText};
#[cfg(feature = "tables")]
pub use reader::TrlSource;
#[cfg(feature = "tables")]
pub use writer::write_trl;
