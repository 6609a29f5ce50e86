//! Reading what somebody else named.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::FileError;
use crate::place::irregular;

/// Opens a regular file. A pipe or device is refused before it is opened, since opening one can wait
/// for ever.
///
/// # Errors
/// [`FileError::NotRegular`]; [`FileError::Io`] if it is not there or may not be read.
pub fn open(path: impl AsRef<Path>) -> Result<File, FileError> {
    let path = path.as_ref();
    let metadata = fs::metadata(path).map_err(FileError::io(path, "read"))?;
    if let Some(found) = irregular(metadata.file_type()) {
        return Err(FileError::NotRegular {
            path: path.to_owned(),
            found,
        });
    }
    File::open(path).map_err(FileError::io(path, "read"))
}

/// Reads a whole regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open`]; [`FileError::TooLarge`], before more than `limit` bytes are held.
pub fn read(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, FileError> {
    let path = path.as_ref();
    let file = open(path)?;
    let size = file.metadata().map_err(FileError::io(path, "read"))?.len();
    let too_large = || FileError::TooLarge {
        path: path.to_owned(),
        limit,
    };
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A file can grow while it is read, and some report no size at all.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(FileError::io(path, "read"))?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Reads a whole text file of at most `limit` bytes.
///
/// # Errors
/// As [`read`]; [`FileError::NotUtf8`].
pub fn read_to_string(path: impl AsRef<Path>, limit: u64) -> Result<String, FileError> {
    let path = path.as_ref();
    String::from_utf8(read(path, limit)?).map_err(|error| FileError::NotUtf8 {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_exact() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("five");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();
        assert!(matches!(error, FileError::TooLarge { limit: 4, .. }));
        assert!(error.to_string().contains("more than 4 bytes"), "{error}");
    }

    #[test]
    fn a_byte_that_is_no_text_is_placed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        fs::write(&path, b"ab\xff").unwrap();
        let error = read_to_string(&path, 10).unwrap_err();
        assert!(
            matches!(error, FileError::NotUtf8 { offset: 2, .. }),
            "{error}"
        );
    }

    #[test]
    fn folders_and_missing_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("is a folder, allowed: a regular file"),
            "{error}"
        );
        let error = open(dir.path().join("none")).unwrap_err();
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::NotFound));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        let error = read("/dev/zero", 10).unwrap_err().to_string();
        assert!(error.contains("is a device"), "{error}");
    }
}
