//! Model folders, written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use atomic_files::{AtomicFile, AtomicFolder, FileError};
use serde::Serialize;

use crate::file_names::{is_model_file, is_tokenizer_file};
use crate::text_files::{write_json, write_text};
use crate::write_weights::write_weights;
use crate::{FolderError, SaveOptions, TensorSource};

/// A model folder that takes its name only when it is complete.
///
/// A model folder of that name is replaced; a folder that holds anything else is refused, so that a
/// mistyped path destroys nothing. Dropped without [`FolderWriter::commit`] it leaves nothing behind.
///
/// ```
/// use hf_folder::FolderWriter;
/// # let parent = tempfile::tempdir()?;
/// # let dir = parent.path().join("model");
/// let folder = FolderWriter::create(&dir, &["gains.json"])?;
/// folder.write_json("gains.json", &[1.0, 0.0])?;
/// folder.commit()?;
/// // Whoever does not know `gains.json` does not replace the folder.
/// assert!(FolderWriter::create(&dir, &[]).is_err());
/// assert!(FolderWriter::create(&dir, &["gains.json"]).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FolderWriter {
    target: PathBuf,
    folder: AtomicFolder,
}

impl FolderWriter {
    /// Begins a folder that is to be called `dir`. Missing parent folders are made. A folder of that
    /// name may hold the files of models and tokenizers, and those that `own_files` names.
    ///
    /// # Errors
    /// [`FolderError::FolderOccupied`] names the first entry that is none of these;
    /// [`FolderError::File`] if `dir` is a file or cannot be written beside.
    pub fn create(dir: impl AsRef<Path>, own_files: &[&str]) -> Result<Self, FolderError> {
        let target = dir.as_ref().to_owned();
        let is_ours = |name: &str| is_model_file(name) || own_files.contains(&name);
        let folder = AtomicFolder::create(&target, is_ours).map_err(|error| match error {
            FileError::FolderOccupied { dir, entry } => FolderError::FolderOccupied { dir, entry },
            other => other.into(),
        })?;
        Ok(Self { target, folder })
    }

    /// The folder to fill, for what others write.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes over what stands beside the model in the folder that is to be replaced: the tokenizer's
    /// files and `generation_config.json`. For a model that is saved without its tokenizer.
    ///
    /// # Errors
    /// [`FolderError::File`] if one of them cannot be copied.
    pub fn keep_companions(&self) -> Result<(), FolderError> {
        let entries = match fs::read_dir(&self.target) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(FolderError::io(&self.target, "list"))?,
        };
        for entry in entries {
            let entry = entry.map_err(FolderError::io(&self.target, "list"))?;
            let name = entry.file_name();
            let is_companion =
                |name: &str| is_tokenizer_file(name) || name == "generation_config.json";
            if name.to_str().is_some_and(is_companion) {
                let from = entry.path();
                let mut old = atomic_files::open(&from)?;
                let mut new = AtomicFile::create(self.path().join(name))?;
                std::io::copy(&mut old, &mut new).map_err(FolderError::io(&from, "copy"))?;
                new.commit()?;
            }
        }
        Ok(())
    }

    /// Writes a JSON file, indented.
    ///
    /// # Errors
    /// [`FolderError::File`]; [`FolderError::Json`] if the value is none that JSON has.
    pub fn write_json<T: Serialize + ?Sized>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), FolderError> {
        write_json(&self.path().join(name), value)
    }

    /// Writes a text file.
    ///
    /// # Errors
    /// [`FolderError::File`].
    pub fn write_text(&self, name: &str, text: &str) -> Result<(), FolderError> {
        write_text(self.path().join(name), text)
    }

    /// Writes the weights, one tensor at a time: `model.safetensors`, or shards with their index.
    ///
    /// # Errors
    /// [`FolderError::OutOfRange`] if a number has no place in the type that `options` asks for;
    /// [`FolderError::Values`] if the numbers of a tensor cannot be had; [`FolderError::InvalidConfig`]
    /// as [`SaveOptions::validate`]; [`FolderError::File`].
    pub fn write_weights<T: TensorSource>(
        &self,
        tensors: &[T],
        options: &SaveOptions,
    ) -> Result<(), FolderError> {
        write_weights(tensors, options, self.path())
    }

    /// Gives the folder its name, in place of an older one.
    ///
    /// # Errors
    /// [`FolderError::File`]; what had the name before then has it still.
    pub fn commit(self) -> Result<(), FolderError> {
        Ok(self.folder.commit()?)
    }
}
