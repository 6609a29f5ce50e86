//! Training records as a file.

use super::TrlRecord;
use super::reader::no_training_file;
use crate::sources::TableFormat;
use crate::{DataError, write_jsonl};
use std::path::Path;

/// Writes training records as JSON Lines or parquet (each also `.gz` or `.zst`), as the name says; whole or not
/// at all. [`TrlSource`](super::TrlSource) reads it back.
///
/// # Errors
/// [`DataError::File`] or [`DataError::Io`]; [`DataError::Serialize`]; [`DataError::InvalidConfig`] for a name that
/// tells neither format.
pub fn write_trl<'a, T: TrlRecord + 'a>(
    path: impl AsRef<Path>,
    records: impl IntoIterator<Item = &'a T>,
) -> Result<(), DataError> {
    let path = path.as_ref();
    match TableFormat::of(path)? {
        TableFormat::Jsonl => write_jsonl(path, records),
        #[cfg(feature = "parquet")]
        TableFormat::Parquet => super::parquet::write(path, records),
        _ => Err(no_training_file(path)),
    }
}
