//! Every knob of a run, checked before any work.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::student_config::StudentConfig;
use super::teacher_config::TeacherConfig;
use crate::check::at_least_1;
use crate::error::DistillError;
use crate::json_file::read_json;

/// Named settings of a [`PipelineConfig`]; [`PipelineConfig::preset`] spells them out.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The shortest real run of every stage: for continuous integration.
    Smoke,
    /// The default: the sample data, under ten minutes on two cores.
    Quick,
    /// The full ESCI files and a pretrained student, within an hour or so on two cores.
    Esci,
}

impl Preset {
    /// The names, as in configurations and on the command line.
    pub const NAMES: [&'static str; 3] = ["smoke", "quick", "esci"];
}

impl FromStr for Preset {
    type Err = DistillError;

    fn from_str(name: &str) -> Result<Self, DistillError> {
        match name {
            "smoke" => Ok(Self::Smoke),
            "quick" => Ok(Self::Quick),
            "esci" => Ok(Self::Esci),
            _ => Err(DistillError::invalid(
                "preset",
                format!("`{name}`"),
                Self::NAMES.join(", "),
            )),
        }
    }
}

/// Every knob of a run. It starts from a preset; `manifest.json` holds the one that was used, and
/// [`PipelineConfig::read`] reads a file with such an object.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// The preset it started from.
    pub preset: Preset,
    /// Seed of everything: splits, initial weights, batches, dropout, sampling, bootstrap.
    pub seed: u64,
    /// Which pairs, and how they are parted.
    pub data: DataConfig,
    /// Stage 1.
    pub teacher: TeacherConfig,
    /// Stage 2.
    pub student: StudentConfig,
    /// Resamples of the bootstrap over queries.
    pub bootstrap_samples: usize,
}

/// Which pairs, and how they are parted.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Locales to keep; all if absent.
    pub locales: Option<Vec<String>>,
    /// Keep ESCI's small version only (task 1's harder queries).
    pub small_version: bool,
    /// Share of the training queries whose labels the teacher sees; the rest is the search log.
    pub teacher_fraction: f64,
    /// At most this many pairs for the teacher, in whole queries.
    pub max_teacher_pairs: Option<usize>,
    /// At most this many log pairs, in whole queries.
    pub max_log_pairs: Option<usize>,
    /// At most this many test pairs, in whole queries.
    pub max_test_pairs: Option<usize>,
}

impl PipelineConfig {
    /// Reads a configuration as it stands in a manifest.
    ///
    /// # Errors
    ///
    /// The file cannot be read; it is no JSON; a key is unknown or missing.
    pub fn read(path: &Path) -> Result<Self, DistillError> {
        read_json(path)
    }

    /// Checks every value, those of the crates' own configs included.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`] names the field and what is allowed;
    /// [`DistillError::InvalidPart`] the part of the configuration that its own crate refused.
    pub fn validate(&self) -> Result<(), DistillError> {
        self.data.validate()?;
        self.teacher.validate(self.seed)?;
        self.student.validate()?;
        at_least_1([("bootstrap_samples", self.bootstrap_samples)])
    }
}

impl DataConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`].
    pub fn validate(&self) -> Result<(), DistillError> {
        let fraction = self.teacher_fraction;
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(DistillError::invalid(
                "data.teacher_fraction",
                fraction,
                "above 0 and below 1",
            ));
        }
        let limits = [
            ("data.max_teacher_pairs", self.max_teacher_pairs),
            ("data.max_log_pairs", self.max_log_pairs),
            ("data.max_test_pairs", self.max_test_pairs),
        ];
        at_least_1(limits.map(|(field, limit)| (field, limit.unwrap_or(1))))
    }
}
