//! Values as JSON files.

use std::path::Path;

use atomic_files::AtomicFile;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::DistillError;

/// More than any file that this crate writes; a file that is larger is none of ours.
const MOST_BYTES: u64 = 1 << 30;

/// Reads a value.
///
/// # Errors
///
/// The file cannot be read, or is no JSON of that type.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, DistillError> {
    let text = atomic_files::read_to_string(path, MOST_BYTES)?;
    serde_json::from_str(&text).map_err(|source| DistillError::Json {
        path: path.to_owned(),
        source,
    })
}

/// Writes a value, indented, in one rename.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_json<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), DistillError> {
    let text = serde_json::to_string_pretty(value).map_err(|source| DistillError::Json {
        path: path.to_owned(),
        source,
    })?;
    Ok(AtomicFile::write(path, text + "\n")?)
}
