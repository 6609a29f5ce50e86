//! Files and folders that appear whole or not at all: what is written lies beside its target until it is
//! complete and on the disk, then takes the name. And the other direction: reading a file that somebody
//! else named, of which nothing is known but that it should be a regular file of a sensible size.
//!
//! ```
//! use atomic_files::AtomicFile;
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("metrics.json");
//! AtomicFile::write(&path, "{}")?;
//! assert_eq!(atomic_files::read_to_string(&path, 1024)?, "{}");
//! assert!(atomic_files::read(&path, 1).is_err()); // larger than what the caller allows
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod file;
mod folder;
mod place;
mod read;

pub use error::FileError;
pub use file::AtomicFile;
pub use folder::AtomicFolder;
pub use read::{open, read, read_to_string};

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
