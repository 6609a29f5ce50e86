//! Text files of bounded size.

use std::path::Path;

use atomic_files::AtomicFile;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::FolderError;

/// Most bytes of a JSON file that describes: a configuration, a tokenizer's settings.
const JSON_LIMIT: u64 = 8 << 20;

/// Most bytes of a `tokenizer.json`. Vocabularies of a quarter of a million tokens take 20 to 35 MB.
const TOKENIZER_LIMIT: u64 = 256 << 20;

/// Reads a `config.json` or another file that describes, of at most 8 MiB.
///
/// # Errors
/// [`FolderError::File`] if it is no regular file of that size, [`FolderError::Json`] if it is not what
/// `T` is written as.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("config.json");
/// std::fs::write(&path, r#"{"hidden_size": 8}"#)?;
/// let keys: serde_json::Map<String, serde_json::Value> = hf_folder::read_json(&path)?;
/// assert_eq!(keys["hidden_size"], 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_json<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<T, FolderError> {
    read_json_of(path.as_ref(), JSON_LIMIT)
}

/// Reads a JSON file of at most `limit` bytes.
pub(crate) fn read_json_of<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, FolderError> {
    let text = atomic_files::read_to_string(path, limit)?;
    serde_json::from_str(&text).map_err(|source| FolderError::Json {
        path: path.to_owned(),
        source,
    })
}

/// Reads the text of a `tokenizer.json`, of at most 256 MiB, for the `tokenizers` crate.
///
/// # Errors
/// [`FolderError::File`] if it is no regular file of that size.
pub fn read_tokenizer(path: impl AsRef<Path>) -> Result<String, FolderError> {
    Ok(atomic_files::read_to_string(path, TOKENIZER_LIMIT)?)
}

/// Writes a text file that appears whole or not at all; a missing folder is made.
///
/// # Errors
/// [`FolderError::File`].
pub fn write_text(path: impl AsRef<Path>, text: &str) -> Result<(), FolderError> {
    Ok(AtomicFile::write(path, text)?)
}

/// Writes an indented JSON file with a newline at its end.
pub(crate) fn write_json<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), FolderError> {
    let text = serde_json::to_string_pretty(value).map_err(|source| FolderError::Json {
        path: path.to_owned(),
        source,
    })?;
    write_text(path, &(text + "\n"))
}
