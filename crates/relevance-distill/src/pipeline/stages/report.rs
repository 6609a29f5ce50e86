//! The page to look at.

use std::path::PathBuf;

use atomic_files::AtomicFile;
use relevance_data::read_jsonl;
use serde::Serialize;
use serde_json::Value;
use training_loop::LogEntry;

use super::report_notes::notes;
use crate::error::DistillError;
use crate::pipeline::manifest::{Manifest, StageRecord};
use crate::pipeline::run_folder::RunFolder;
use crate::pipeline::stage::Stage;
use crate::report::{CurveSeries, ReportData, StageSummary, render};

/// Writes the report of a run from what its stages left.
#[derive(Clone, Debug)]
pub struct WriteReport<'a> {
    /// The run's folder: figures, cases and the logs of its stages are read there.
    pub folder: &'a RunFolder,
    /// What ran.
    pub manifest: &'a Manifest,
    /// The command as typed.
    pub command_line: &'a str,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Where the page goes.
    pub out: PathBuf,
}

/// What it found: nothing to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reported {}

impl WriteReport<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// A file of an earlier stage is missing or broken; the page cannot be written.
    pub fn run(&self) -> Result<Reported, DistillError> {
        let config = &self.manifest.config;
        let systems = self.folder.metrics().read()?;
        let named = systems.named().into_iter();
        let data = ReportData {
            title: "From a reasoning teacher to a small BERT".into(),
            command_line: self.command_line.to_owned(),
            preset: format!("{:?}", config.preset).to_lowercase(),
            seed: config.seed,
            device: self.manifest.device.clone(),
            created: String::new(),
            settings: self.settings(),
            stages: self.stages()?,
            systems: named
                .map(|(name, scores)| (name.to_owned(), scores.clone()))
                .collect(),
            class_names: self.class_names.clone(),
            examples: self.folder.cases().read()?,
            notes: notes(self.manifest, &systems),
        };
        AtomicFile::write(&self.out, render(&data)?)?;
        Ok(Reported {})
    }

    /// The parts of the data, and the configuration's leaves under their paths.
    fn settings(&self) -> Vec<(String, String)> {
        let part = |(name, part): (&String, &Value)| {
            let counts = part.to_string().replace(['"', '{', '}'], "");
            (format!("data: {name}"), counts.replace(',', ", "))
        };
        let mut rows: Vec<_> = self.manifest.parts.iter().map(part).collect();
        if let Ok(config) = serde_json::to_value(&self.manifest.config) {
            leaves("", &config, &mut rows);
        }
        rows
    }

    fn stages(&self) -> Result<Vec<StageSummary>, DistillError> {
        let records = self.manifest.stages.iter();
        let summary = |(stage, record): (&Stage, &StageRecord)| {
            let facts = record.facts.iter();
            Ok(StageSummary {
                name: stage.name().into(),
                seconds: record.seconds,
                note: stage.title().into(),
                loss_curve: self.curves(*stage)?,
                facts: facts
                    .map(|(name, value)| (name.clone(), in_words(value)))
                    .collect(),
            })
        };
        records.map(summary).collect()
    }

    /// The losses that the stage's trainer logged; none for a stage that trains nothing.
    fn curves(&self, stage: Stage) -> Result<Vec<CurveSeries>, DistillError> {
        let path = self.folder.stage(stage).join(training_loop::LOG_FILE);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let log: Vec<LogEntry> = read_jsonl(&path)?;
        let series = |name: &str, value: &dyn Fn(&LogEntry) -> Option<f64>| CurveSeries {
            name: name.to_owned(),
            points: log
                .iter()
                .filter_map(|entry| Some((entry.step as f64, value(entry)?)))
                .collect(),
        };
        let mut curves = vec![series("loss", &|entry| Some(entry.loss))];
        for name in ["loss_sce", "loss_tce", "loss_align"] {
            curves.push(series(name, &|entry| entry.metrics.get(name).copied()));
        }
        curves.retain(|curve| !curve.points.is_empty());
        Ok(curves)
    }
}

fn leaves(at: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let at = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                leaves(&at, value, rows);
            }
        }
        Value::String(text) => rows.push((at.to_owned(), text.clone())),
        Value::Null => {}
        other => rows.push((at.to_owned(), other.to_string())),
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            format!("{:.4}", number.as_f64().unwrap_or(f64::NAN))
        }
        other => other.to_string(),
    }
}
