//! `manifest.json`: what ran, with what, and which stages are finished.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::PipelineConfig;
use super::input_files::InputFile;
use super::stage::Stage;
use crate::error::DistillError;
use crate::json_file::{read_json, write_json};

/// What a stage found worth telling: counts, rates, scores, by name. They are the fields of the stage's
/// output.
pub type Facts = BTreeMap<String, Value>;

/// A finished stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRecord {
    /// Wall-clock seconds, over all sittings that it took.
    pub seconds: f64,
    /// What the stage found worth telling: counts, rates, scores.
    pub facts: Facts,
}

/// What ran, with what, and which stages are finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the package that ran.
    pub version: String,
    /// The whole configuration, seeds included.
    pub config: PipelineConfig,
    /// The backend and device, as given to `--device`.
    pub device: String,
    /// The files that the run read.
    pub data: Vec<InputFile>,
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
    /// Reads a manifest; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no manifest.
    pub fn read(path: &Path) -> Result<Option<Self>, DistillError> {
        match read_json(path) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(DistillError::File(error)) if error.io_kind() == Some(ErrorKind::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the manifest, in one rename.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DistillError> {
        write_json(path, self)
    }

    /// What a finished stage told, as its output's type; `None` if it is not finished, or told something
    /// else.
    pub fn output<T: serde::de::DeserializeOwned>(&self, stage: Stage) -> Option<T> {
        let facts = &self.stages.get(&stage)?.facts;
        let facts = serde_json::Map::from_iter(facts.clone());
        serde_json::from_value(Value::Object(facts)).ok()
    }

    /// Checks that a run that resumes is the same run.
    ///
    /// # Errors
    ///
    /// [`DistillError::ResumeMismatch`] names the first field that differs.
    pub fn check_same_run(&self, other: &Self) -> Result<(), DistillError> {
        let before =
            serde_json::json!({"config": self.config, "device": self.device, "data": self.data});
        let now =
            serde_json::json!({"config": other.config, "device": other.device, "data": other.data});
        match first_difference("", &before, &now) {
            None => Ok(()),
            Some((field, before, now)) => Err(DistillError::ResumeMismatch { field, before, now }),
        }
    }
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
}
