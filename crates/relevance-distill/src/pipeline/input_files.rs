//! The files that decide what comes out of a run, and their hashes.

use std::fs;
use std::path::{Path, PathBuf};

use relevance_data::esci;
use serde::{Deserialize, Serialize};

use crate::error::DistillError;

/// A file that the run read, and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// The file's name, without its folder.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

impl InputFile {
    /// Size and hash of a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn of(path: &Path) -> Result<Self, DistillError> {
        let sha256 = relevance_data::sha256_file(path)?;
        let metadata = fs::metadata(path).map_err(DistillError::io(path))?;
        let file = path.file_name().unwrap_or_default();
        Ok(Self {
            file: file.to_string_lossy().into_owned(),
            bytes: metadata.len(),
            sha256,
        })
    }

    /// The official ESCI files in `data`, and the files of the checkpoints.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn of_run(data: &Path, checkpoints: &[&Path]) -> Result<Vec<Self>, DistillError> {
        let data = [esci::EXAMPLES_FILE, esci::PRODUCTS_FILE].map(|file| data.join(file));
        let checkpoints = checkpoints.iter().flat_map(|dir| checkpoint_files(dir));
        let files = data.into_iter().chain(checkpoints);
        files.map(|path| Self::of(&path)).collect()
    }
}

/// A checkpoint folder's own name, once it is known to hold a model.
///
/// # Errors
///
/// The folder lacks `config.json` or `tokenizer.json`.
pub(super) fn checkpoint_name(folder: Option<&Path>) -> Result<Option<String>, DistillError> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    for file in ["config.json", "tokenizer.json"] {
        let path = folder.join(file);
        fs::metadata(&path).map_err(DistillError::io(&path))?;
    }
    Ok(folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned()))
}

/// Configuration, tokenizer and weights, in one file or in shards.
fn checkpoint_files(folder: &Path) -> Vec<PathBuf> {
    let mut weights: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "safetensors"))
        .collect();
    weights.sort();
    ["config.json", "tokenizer.json"]
        .map(|file| folder.join(file))
        .into_iter()
        .filter(|path| path.exists())
        .chain(weights)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_one_that_sha256sum_prints() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abc.txt");
        fs::write(&path, "abc").expect("written");
        let hashed = InputFile::of(&path).expect("read");
        assert_eq!(hashed.bytes, 3);
        assert_eq!(
            hashed.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn shards_are_among_the_files_of_a_checkpoint() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = [
            "config.json",
            "model-00002.safetensors",
            "model-00001.safetensors",
            "x.txt",
        ];
        for name in names {
            fs::write(folder.path().join(name), name).expect("written");
        }
        let found = checkpoint_files(folder.path());
        let found: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(
            found,
            [
                "config.json",
                "model-00001.safetensors",
                "model-00002.safetensors"
            ]
        );
    }
}
