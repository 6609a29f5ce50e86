//! Whether a checkpoint's files are what was written: burn does not notice a flipped bit in a
//! parameter, and panics on one in its own tables.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use atomic_files::AtomicFile;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// The file that holds the checksums of the others.
pub(crate) const CHECKSUM_FILE: &str = "checksums.json";

/// Size and CRC-32 (IEEE 802.3) of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checksum {
    bytes: u64,
    /// Eight hexadecimal digits.
    crc32: String,
}

/// Flushes the files of a folder to the disk and writes their checksums beside them: the last thing
/// before the folder takes its name.
pub(crate) fn seal(dir: &Path) -> Result<(), TrainError> {
    let mut checksums = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(io(dir))? {
        let entry = entry.map_err(io(dir))?;
        let path = entry.path();
        let file = File::open(&path).map_err(io(&path))?;
        file.sync_all().map_err(io(&path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        checksums.insert(name, Checksum::of(file).map_err(io(&path))?);
    }
    let json = serde_json::to_vec_pretty(&checksums)
        .expect("names and numbers are plain data: a bug in training-loop");
    Ok(AtomicFile::write(dir.join(CHECKSUM_FILE), json)?)
}

/// Compares the files of a folder with their checksums.
///
/// A folder without checksums is of an earlier version, and nothing is known of it.
pub(crate) fn verify(dir: &Path) -> Result<(), TrainError> {
    let path = dir.join(CHECKSUM_FILE);
    let json = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        json => json.map_err(io(&path))?,
    };
    let checksums: BTreeMap<String, Checksum> =
        serde_json::from_slice(&json).map_err(|error| TrainError::damaged(&path, error))?;
    for (name, expected) in checksums {
        let path = dir.join(&name);
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(TrainError::damaged(&path, "it is missing"));
            }
            file => file.map_err(io(&path))?,
        };
        let found = Checksum::of(file).map_err(io(&path))?;
        if found.bytes != expected.bytes {
            let (found, expected) = (found.bytes, expected.bytes);
            let reason = format!("{found} bytes, but {expected} were saved");
            return Err(TrainError::damaged(&path, reason));
        }
        if found != expected {
            let reason = "its content is not what was saved: the checksums differ";
            return Err(TrainError::damaged(&path, reason));
        }
    }
    Ok(())
}

impl Checksum {
    fn of(mut file: File) -> std::io::Result<Self> {
        let mut hasher = crc32fast::Hasher::new();
        let (mut bytes, mut buffer) = (0, vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => {
                    hasher.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
        let crc32 = format!("{:08x}", hasher.finalize());
        Ok(Self { bytes, crc32 })
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = path.to_owned();
    move |source| TrainError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_a_cut_and_a_missing_file_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.bpk");
        // The standard's own check value: the CRC-32 of these nine digits is cbf43926.
        fs::write(&path, "123456789").unwrap();
        seal(dir.path()).unwrap();
        let json = fs::read_to_string(dir.path().join(CHECKSUM_FILE)).unwrap();
        assert!(json.contains("cbf43926"), "{json}");
        verify(dir.path()).unwrap();

        let reason = || match verify(dir.path()) {
            Err(TrainError::Checkpoint {
                path: named,
                reason,
            }) => {
                assert_eq!(named, path);
                reason
            }
            other => panic!("{other:?}"),
        };
        fs::write(&path, "123456788").unwrap();
        assert!(reason().contains("checksums differ"));
        fs::write(&path, "12345678").unwrap();
        assert_eq!(reason(), "8 bytes, but 9 were saved");
        fs::remove_file(&path).unwrap();
        assert_eq!(reason(), "it is missing");
        fs::remove_file(dir.path().join(CHECKSUM_FILE)).unwrap();
        verify(dir.path()).unwrap();
    }
}
