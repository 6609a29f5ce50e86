//! `manifest.json`: what ran, with what, and which stages are finished.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use atomic_files::AtomicFile;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::TwoStageConfig;
use super::stage::Stage;
use crate::error::RunError;

/// The file's name in the output folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// A file that the run read, and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// The file's name, without its folder.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

/// A finished stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRecord {
    /// Wall-clock seconds, over all sittings that it took.
    pub seconds: f64,
    /// What the stage found worth telling: counts, rates, scores.
    pub facts: BTreeMap<String, Value>,
}

/// What ran, with what, and which stages are finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the package that ran.
    pub version: String,
    /// The whole configuration, seeds included.
    pub config: TwoStageConfig,
    /// The backend and device, as given to `--device`.
    pub device: String,
    /// The files that the run read.
    pub data: Vec<DataFile>,
    /// Pairs and queries of each part of the data.
    pub parts: BTreeMap<String, Value>,
    /// The finished stages, by name.
    pub stages: BTreeMap<Stage, StageRecord>,
    /// Seconds already spent on a stage that was interrupted.
    #[serde(default)]
    pub spent: BTreeMap<Stage, f64>,
    /// Largest resident memory seen, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

impl Manifest {
    /// Reads the manifest of `out`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no manifest.
    pub fn read(out: &Path) -> Result<Option<Self>, RunError> {
        let path = out.join(MANIFEST_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RunError::Io { path, source }),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| RunError::Json { path, source })
    }

    /// Writes the manifest into `out`, in one rename.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn write(&self, out: &Path) -> Result<(), RunError> {
        write_json(&out.join(MANIFEST_FILE), self)
    }

    /// Checks that a run that resumes is the same run.
    ///
    /// # Errors
    ///
    /// [`RunError::ResumeMismatch`] names the first field that differs.
    pub fn check_same_run(&self, other: &Self) -> Result<(), RunError> {
        let before =
            serde_json::json!({"config": self.config, "device": self.device, "data": self.data});
        let now =
            serde_json::json!({"config": other.config, "device": other.device, "data": other.data});
        match first_difference("", &before, &now) {
            None => Ok(()),
            Some((field, before, now)) => Err(RunError::ResumeMismatch { field, before, now }),
        }
    }
}

/// Serialises `value` into `path`, indented, in one rename.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), RunError> {
    let text = serde_json::to_string_pretty(value).map_err(|source| RunError::Json {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(AtomicFile::write(path, text + "\n")?)
}

/// Size and hash of a file.
///
/// # Errors
///
/// The file cannot be read.
pub fn hash_file(path: &Path) -> Result<DataFile, RunError> {
    let sha256 = relevance_data::sha256_file(path)?;
    let metadata = fs::metadata(path).map_err(|source| RunError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    let file = path.file_name().unwrap_or_default();
    Ok(DataFile {
        file: file.to_string_lossy().into_owned(),
        bytes: metadata.len(),
        sha256,
    })
}

/// The first place, in reading order, where two JSON values differ.
fn first_difference(at: &str, before: &Value, now: &Value) -> Option<(String, String, String)> {
    match (before, now) {
        (Value::Object(left), Value::Object(right)) => left
            .keys()
            .chain(right.keys().filter(|key| !left.contains_key(*key)))
            .find_map(|key| {
                let at = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                let null = Value::Null;
                first_difference(
                    &at,
                    left.get(key).unwrap_or(&null),
                    right.get(key).unwrap_or(&null),
                )
            }),
        _ if before == now => None,
        _ => Some((at.to_string(), before.to_string(), now.to_string())),
    }
}

/// Largest resident memory of this process so far, in bytes; `None` where `/proc` does not tell.
pub fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named_by_its_path() {
        let before = json!({"a": 1, "b": {"c": [1, 2], "d": 0.1}});
        let now = json!({"a": 1, "b": {"c": [1, 2], "d": 0.2}});
        assert_eq!(first_difference("", &before, &before), None);
        let (field, before, now) = first_difference("", &before, &now).expect("they differ");
        assert_eq!(
            (field.as_str(), before.as_str(), now.as_str()),
            ("b.d", "0.1", "0.2")
        );
    }

    #[test]
    fn a_field_that_only_one_side_has_is_a_difference() {
        let (field, ..) = first_difference("", &json!({}), &json!({"x": 1})).expect("they differ");
        assert_eq!(field, "x");
    }

    #[test]
    fn a_hash_is_the_one_that_sha256sum_prints() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abc.txt");
        fs::write(&path, "abc").expect("written");
        let hashed = hash_file(&path).expect("read");
        assert_eq!(hashed.bytes, 3);
        assert_eq!(
            hashed.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
