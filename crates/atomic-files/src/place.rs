//! Where a file goes: its folder, and what already has its name.

use std::fs::{self, File, FileType};
use std::path::{Path, PathBuf};

use crate::FileError;

/// The folder that `path` lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The path to write: what a symbolic link points to, so that the link stays one.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => match fs::canonicalize(path) {
            Ok(target) => Ok(target),
            Err(source) => Err(FileError::io(path, "follow the link")(source)),
        },
        _ => Ok(path.to_owned()),
    }
}

/// What stands where a regular file was expected, in words; `None` for a regular file.
pub(crate) fn irregular(file_type: FileType) -> Option<&'static str> {
    if file_type.is_file() {
        return None;
    }
    if file_type.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return Some("a pipe");
        }
        if file_type.is_socket() {
            return Some("a socket");
        }
        if file_type.is_char_device() || file_type.is_block_device() {
            return Some("a device");
        }
    }
    Some("no regular file")
}

/// Writes a folder's list of names to the disk, so that a rename in it outlives a power cut.
///
/// Where the system has no such thing, nothing is done.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        // Some file systems cannot sync a folder, and say so; the rename then has to be enough.
        match synced {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {}
            other => other.map_err(FileError::io(folder, "sync"))?,
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, File::open::<&Path>);
    Ok(())
}
