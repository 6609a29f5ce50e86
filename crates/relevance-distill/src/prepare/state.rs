//! What an interrupted preparation keeps.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use relevance_data::cleaning::CleanReport;
use relevance_data::{RowReport, read_labeled_pairs, write_labeled_pairs};
use serde::{Deserialize, Serialize};

use super::config::PrepareConfig;
use super::source::NamedPairs;
use crate::error::DistillError;
use crate::json_file::{read_json, write_json};

/// Where finished steps are kept until all are done.
pub(super) const STAGES: &str = "stages";
const STATE_FILE: &str = "state.json";

/// What a run has done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) config: PrepareConfig,
    /// Rows that were read; none until all are.
    pub(super) rows: Option<RowReport>,
    /// What cleaning did; none until it is done.
    pub(super) cleaning: Option<BTreeMap<String, CleanReport>>,
    /// The names that the data gave their parts.
    names: Vec<String>,
}

impl State {
    /// What an interrupted run left in `out`, or a new state.
    pub(super) fn open(
        config: PrepareConfig,
        out: &Path,
        resume: bool,
    ) -> Result<Self, DistillError> {
        remove_unfinished(&[out, &out.join(STAGES)]);
        let path = out.join(STAGES).join(STATE_FILE);
        let done = out.join("report.json").exists();
        if !resume && (done || path.exists()) {
            let out = out.to_owned();
            return Err(DistillError::OutputExists { out });
        }
        if path.exists() {
            let found: Self = read_json(&path)?;
            if found.config == config {
                return Ok(found);
            }
            let text = |config: &PrepareConfig| serde_json::to_string(config).unwrap_or_default();
            return Err(DistillError::ResumeMismatch {
                field: "settings".into(),
                before: text(&found.config),
                now: text(&config),
            });
        }
        Ok(Self {
            config,
            rows: None,
            cleaning: None,
            names: Vec::new(),
        })
    }

    /// Keeps the state itself.
    pub(super) fn write(&self, stages: &Path) -> Result<(), DistillError> {
        write_json(&stages.join(STATE_FILE), self)
    }

    /// Keeps the pairs of a step.
    pub(super) fn keep(
        &mut self,
        stages: &Path,
        step: &str,
        pairs: &NamedPairs,
    ) -> Result<(), DistillError> {
        self.names = pairs.keys().cloned().collect();
        for (name, pairs) in pairs {
            write_labeled_pairs(file(stages, step, name), pairs, &self.config.schema)?;
        }
        Ok(())
    }

    /// The pairs that a step kept.
    pub(super) fn load(&self, stages: &Path, step: &str) -> Result<NamedPairs, DistillError> {
        eprintln!("{step}: already done");
        let part = |name: &String| {
            let pairs = read_labeled_pairs(file(stages, step, name), &self.config.schema)?;
            Ok((name.clone(), pairs))
        };
        self.names.iter().map(part).collect()
    }
}

/// Removes temporary files that a killed run had no chance to remove.
fn remove_unfinished(folders: &[&Path]) {
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    for entry in entries.flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".writing-") {
            // One that stays does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn file(stages: &Path, step: &str, name: &str) -> PathBuf {
    stages.join(format!("{step}-{name}.jsonl"))
}
