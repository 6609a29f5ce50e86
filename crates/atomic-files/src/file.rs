//! Files that appear whole or not at all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::FileError;
use crate::place::{irregular, parent, resolve, sync_folder};

/// A file that takes its name only when it is complete.
///
/// What is written goes to a temporary file in the same folder; [`AtomicFile::commit`] renames it,
/// replacing an older file. Dropped without a commit it leaves nothing behind.
///
/// ```
/// use std::io::Write;
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("metrics.json");
/// let mut file = atomic_files::AtomicFile::create(&path)?;
/// file.write_all(b"{}")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Begins a file that is to be called `path`. Missing parent folders are made. Where a symbolic
    /// link has that name, the file that it points to is replaced and the link stays.
    ///
    /// # Errors
    /// [`FileError::NotRegular`] if a folder, device or pipe has the name; [`FileError::Io`] if the
    /// folder cannot be made or written in.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = resolve(path.as_ref())?;
        if let Ok(metadata) = std::fs::metadata(&path)
            && let Some(found) = irregular(metadata.file_type())
        {
            return Err(FileError::NotRegular { path, found });
        }
        let folder = parent(&path);
        std::fs::create_dir_all(folder).map_err(FileError::io(folder, "create folder"))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".writing-");
        #[cfg(unix)]
        {
            // Ordinary permissions (the umask applies): temporary files are private by default.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder)
            .map_err(FileError::io(&path, "write"))?;
        Ok(Self {
            path,
            writer: BufWriter::new(file),
        })
    }

    /// Writes a whole file at once.
    ///
    /// # Errors
    /// As [`AtomicFile::create`] and [`AtomicFile::commit`].
    pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<(), FileError> {
        let mut file = Self::create(path)?;
        file.writer
            .write_all(contents.as_ref())
            .map_err(FileError::io(&file.path, "write"))?;
        file.commit()
    }

    /// The name that the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Completes the file: flushed to the disk, then renamed, and its name flushed too.
    ///
    /// # Errors
    /// [`FileError::Io`] if the disk is full or the name cannot be taken; the older file, if there
    /// is one, then stays as it was.
    pub fn commit(self) -> Result<(), FileError> {
        let Self { path, writer } = self;
        let file = writer
            .into_inner()
            .map_err(|error| FileError::io(&path, "write")(error.into_error()))?;
        file.as_file()
            .sync_all()
            .map_err(FileError::io(&path, "write"))?;
        file.persist(&path)
            .map_err(|error| FileError::io(&path, "replace")(error.error))?;
        sync_folder(parent(&path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_file_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/a.txt");
        AtomicFile::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_folder_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = AtomicFile::create(dir.path()).unwrap_err().to_string();
        assert!(
            message.contains("is a folder, allowed: a regular file"),
            "{message}"
        );
        AtomicFile::write(dir.path().join("a"), "").unwrap();
        let message = AtomicFile::create(dir.path().join("a/b"))
            .unwrap_err()
            .to_string();
        assert!(message.contains("cannot create folder"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_ordinary() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let metadata = std::fs::metadata(dir.path().join(name)).unwrap();
            metadata.permissions().mode()
        };
        AtomicFile::write(dir.path().join("ours"), "").unwrap();
        std::fs::write(dir.path().join("plain"), "").unwrap();
        assert_eq!(mode("ours"), mode("plain"));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_stays_and_a_link_is_written_through() {
        let error = AtomicFile::write("/dev/null", "x").unwrap_err().to_string();
        assert!(error.contains("is a device"), "{error}");
        let dir = tempfile::tempdir().unwrap();
        let [target, link] = ["target", "link"].map(|name| dir.path().join(name));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        AtomicFile::write(&link, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert!(link.is_symlink());
    }
}
