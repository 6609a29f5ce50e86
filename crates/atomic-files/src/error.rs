//! What can go wrong with a file.

use std::io;
use std::path::{Path, PathBuf};

/// A file or folder that could not be read or written; the message names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused: no such file, no permission, a full disk.
    #[error("cannot {action} {path:?}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a verb: "read", "write", "replace".
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A device, a pipe, a socket or a folder stands where a regular file was expected.
    #[error("{path:?} is {found}, allowed: a regular file")]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
    },
    /// A file is larger than files of its kind may be.
    #[error("{path:?} has more than {limit} bytes, the most that is read of such a file")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A text file is not UTF-8.
    #[error("{path:?} is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Bytes before the first one that is wrong.
        offset: usize,
    },
    /// A folder that is to be replaced holds something that the writer did not make.
    #[error(
        "{dir:?} holds {entry:?}, which was not made by this writer, so the folder stays as it is"
    )]
    FolderOccupied {
        /// The folder.
        dir: PathBuf,
        /// The first foreign entry.
        entry: String,
    },
}

impl FileError {
    /// Turns the system's error into one that names the file.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    /// The file or folder that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::NotRegular { path, .. }
            | Self::TooLarge { path, .. }
            | Self::NotUtf8 { path, .. } => path,
            Self::FolderOccupied { dir, .. } => dir,
        }
    }

    /// The kind of the system's answer, if it was the system that refused.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}
