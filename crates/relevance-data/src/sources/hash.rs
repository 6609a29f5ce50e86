//! Fingerprints of data files.

use crate::DataError;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The SHA-256 of a file, as 64 lower-case hexadecimal digits; for manifests.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("abc");
/// std::fs::write(&path, "abc")?;
/// assert!(relevance_data::sha256_file(&path)?.starts_with("ba7816bf8f01cfea"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::Io`] if the file cannot be read.
pub fn sha256_file(path: impl AsRef<Path>) -> Result<String, DataError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(DataError::io(path, "open"))?;
    let mut reader = BufReader::new(file);
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let read = reader.read(&mut buffer);
        match read.map_err(DataError::io(path, "read"))? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256_file(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
