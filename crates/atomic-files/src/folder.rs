//! Folders that appear whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::FileError;
use crate::place::{parent, sync_folder};

/// A folder that takes its name only when it is complete.
///
/// It is filled beside its target ([`AtomicFolder::path`]); [`AtomicFolder::commit`] gives it the name.
/// Dropped without a commit it leaves nothing behind, and what had the name before stays.
///
/// ```
/// use atomic_files::{AtomicFile, AtomicFolder};
/// # let dir = tempfile::tempdir()?;
/// let model = dir.path().join("model");
/// let is_ours = |name: &str| name == "config.json";
/// let folder = AtomicFolder::create(&model, is_ours)?;
/// AtomicFile::write(folder.path().join("config.json"), "{}")?;
/// assert!(!model.exists());
/// folder.commit()?;
/// assert!(model.join("config.json").exists());
/// // Again: a folder of ours is replaced, one that holds anything else is refused.
/// std::fs::write(model.join("thesis.tex"), "")?;
/// assert!(AtomicFolder::create(&model, is_ours).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AtomicFolder {
    target: PathBuf,
    scratch: TempDir,
    filled: PathBuf,
}

impl AtomicFolder {
    /// Begins a folder that is to be called `dir`. Missing parent folders are made. A folder of that
    /// name will be replaced if `is_ours` holds for the name of all that is in it, so that a mistyped
    /// path destroys nothing.
    ///
    /// # Errors
    /// [`FileError::FolderOccupied`] names the first entry that is not ours; [`FileError::Io`] if the
    /// parent cannot be made or written in, or `dir` is a file.
    pub fn create(
        dir: impl AsRef<Path>,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<Self, FileError> {
        let target = dir.as_ref().to_owned();
        Self::check(&target, is_ours)?;
        let parent = parent(&target);
        fs::create_dir_all(parent).map_err(FileError::io(parent, "create folder"))?;
        let scratch = tempfile::Builder::new()
            .prefix(".writing-")
            .tempdir_in(parent)
            .map_err(FileError::io(parent, "write in"))?;
        let filled = scratch.path().join("new");
        fs::create_dir(&filled).map_err(FileError::io(&filled, "create folder"))?;
        Ok(Self {
            target,
            scratch,
            filled,
        })
    }

    /// What [`AtomicFolder::create`] would refuse, asked before the work that fills the folder.
    ///
    /// # Errors
    /// [`FileError::FolderOccupied`]; [`FileError::Io`] if `dir` is a file or cannot be listed.
    pub fn check(dir: impl AsRef<Path>, is_ours: impl Fn(&str) -> bool) -> Result<(), FileError> {
        let dir = dir.as_ref();
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FileError::io(dir, "replace")(error)),
        };
        for entry in entries {
            let entry = entry.map_err(FileError::io(dir, "list"))?;
            let entry = entry.file_name().to_string_lossy().into_owned();
            if !is_ours(&entry) {
                let dir = dir.to_owned();
                return Err(FileError::FolderOccupied { dir, entry });
            }
        }
        Ok(())
    }

    /// The folder to fill.
    pub fn path(&self) -> &Path {
        &self.filled
    }

    /// Gives the folder its name, in place of an older one.
    ///
    /// # Errors
    /// [`FileError::Io`]; what had the name before then has it still.
    pub fn commit(self) -> Result<(), FileError> {
        let Self {
            target,
            scratch,
            filled,
        } = self;
        sync_folder(&filled)?;
        let replaced = scratch.path().join("old");
        if target.exists() {
            fs::rename(&target, &replaced).map_err(FileError::io(&target, "replace"))?;
        }
        if let Err(error) = fs::rename(&filled, &target) {
            if replaced.exists() {
                // The rename that moved it away worked a moment ago; there is nothing left to try if
                // this one does not.
                let _ = fs::rename(&replaced, &target);
            }
            return Err(FileError::io(&target, "replace")(error));
        }
        sync_folder(parent(&target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_abandoned_folder_leaves_the_older_one() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        fs::create_dir(&model).unwrap();
        fs::write(model.join("a"), "old").unwrap();
        let folder = AtomicFolder::create(&model, |name| name == "a").unwrap();
        fs::write(folder.path().join("a"), "new").unwrap();
        drop(folder);
        assert_eq!(fs::read_to_string(model.join("a")).unwrap(), "old");
        assert_eq!(entries(dir.path()), ["model"]);
    }

    #[test]
    fn a_replaced_folder_keeps_nothing_of_the_older_one() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        fs::create_dir(&model).unwrap();
        fs::write(model.join("a"), "old").unwrap();
        let folder = AtomicFolder::create(&model, |name| name == "a").unwrap();
        fs::write(folder.path().join("b"), "new").unwrap();
        folder.commit().unwrap();
        assert_eq!(entries(&model), ["b"]);
        assert_eq!(entries(dir.path()), ["model"]);
    }

    #[test]
    fn foreign_entries_and_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = AtomicFolder::create(dir.path(), |_| false).unwrap_err();
        assert!(error.to_string().contains("\"file\""), "{error}");
        let error = AtomicFolder::create(dir.path().join("file"), |_| true).unwrap_err();
        assert!(error.to_string().contains("cannot replace"), "{error}");
        assert_eq!(entries(dir.path()), ["file"]);
    }
}
