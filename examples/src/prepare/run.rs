//! The steps, and what an interrupted run keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use relevance_data::clean::{CleanConfig, CleanReport, NearDuplicateConfig, clean_pairs};
use relevance_data::source::{TableFormat, write_pairs};
use relevance_data::{
    AtomicFile, LabelSchema, LabeledPair, RowReport, read_labeled_pairs, split_leakage,
    write_labeled_pairs,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::parts::{Dealing, deal};
use super::report::{PrepareReport, summaries};
use super::source::{NamedPairs, Source};
use crate::error::RunError;

/// Where finished steps are kept until all are done.
const STAGES: &str = "stages";
const STATE_FILE: &str = "state.json";

/// Everything that decides what comes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepareConfig {
    /// Where judgments come from.
    pub source: Source,
    /// How labels are read.
    pub schema: LabelSchema,
    /// What is cleaned, and how.
    pub clean: CleanConfig,
    /// How pairs become parts.
    pub dealing: Dealing,
    /// The names of the parts.
    pub parts: Vec<String>,
    /// Their expected sizes, as shares.
    pub fractions: Vec<f64>,
    /// Extension of the files: csv, tsv, jsonl, each also with .gz or .zst, or parquet.
    pub extension: String,
    /// Seed of the deal.
    pub seed: u64,
}

impl PrepareConfig {
    /// Checks what would otherwise fail only after everything has been read.
    ///
    /// # Errors
    ///
    /// [`RunError::Option`] or [`RunError::Data`] names the setting.
    pub fn validate(&self) -> Result<(), RunError> {
        TableFormat::of(Path::new(&format!("part.{}", self.extension)))?;
        let distinct: BTreeSet<&String> = self.parts.iter().collect();
        let usable = |name: &String| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_".contains(c))
        };
        if distinct.len() != self.parts.len() || !self.parts.iter().all(usable) {
            return Err(RunError::Option {
                option: "parts",
                value: self.parts.join(","),
                allowed: "different names of letters, digits, - and _".into(),
            });
        }
        // Dealing nothing checks the fractions.
        deal(
            NamedPairs::new(),
            self.dealing,
            &self.parts,
            &self.fractions,
            self.seed,
        )?;
        Ok(self.clean.near_duplicate.validate()?)
    }
}

/// When two queries are nearly the same: short texts need short shingles.
fn near_queries() -> NearDuplicateConfig {
    NearDuplicateConfig {
        threshold: 0.7,
        shingle: 3,
        ..NearDuplicateConfig::default()
    }
}

/// What a run has done.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    config: PrepareConfig,
    rows: Option<RowReport>,
    cleaning: Option<BTreeMap<String, CleanReport>>,
    /// The names that the data gave their parts.
    names: Vec<String>,
}

/// Reads, cleans, deals and writes. Each step is kept in `out/stages` until all are done, so that the same
/// call with `resume` does only what is missing.
///
/// # Errors
///
/// A source that cannot be read, a part that would be empty, a query that stands in two named parts; a
/// folder that holds a run of other settings.
pub fn prepare(
    config: PrepareConfig,
    out: &Path,
    resume: bool,
    command: String,
) -> Result<PrepareReport, RunError> {
    config.validate()?;
    let stages = out.join(STAGES);
    let mut state = State::open(config, out, resume)?;
    let config = state.config.clone();
    let named = (config.dealing == Dealing::Named).then_some(config.parts.as_slice());

    let raw = match &state.rows {
        Some(_) if state.cleaning.is_some() => NamedPairs::new(),
        Some(_) => state.load(&stages, "read")?,
        None => {
            eprintln!("read");
            let (pairs, rows) = config.source.read(&config.schema, named)?;
            state.keep(&stages, "read", &pairs)?;
            state.rows = Some(rows);
            state.write(&stages)?;
            pairs
        }
    };
    let clean = match &state.cleaning {
        Some(_) => state.load(&stages, "clean")?,
        None => {
            eprintln!("clean");
            let (pairs, reports) = clean(raw, &config)?;
            state.keep(&stages, "clean", &pairs)?;
            state.cleaning = Some(reports);
            state.write(&stages)?;
            pairs
        }
    };
    eprintln!("deal");
    let parts = deal(
        clean,
        config.dealing,
        &config.parts,
        &config.fractions,
        config.seed,
    )?;
    if let Some((name, _)) = parts.iter().find(|(_, pairs)| pairs.is_empty()) {
        return Err(RunError::Option {
            option: "parts",
            value: format!("{name}, which would be empty"),
            allowed: "parts with at least one pair: give more data or other fractions".into(),
        });
    }
    let slices: Vec<(&str, &[LabeledPair])> = parts
        .iter()
        .map(|(name, pairs)| (name.as_str(), pairs.as_slice()))
        .collect();
    let report = PrepareReport {
        command,
        rows: state.rows.clone().unwrap_or_default(),
        cleaning: state.cleaning.clone().unwrap_or_default(),
        parts: summaries(&parts, &config.extension, &config.schema),
        leakage: split_leakage(&slices, &near_queries())?,
    };
    eprintln!("write");
    for (name, pairs) in &parts {
        write_pairs(out.join(&report.parts[name].file), pairs, &config.schema)?;
    }
    write_json(&out.join("schema.json"), &config.schema)?;
    AtomicFile::write(out.join("report.md"), report.markdown())?;
    write_json(&out.join("report.json"), &report)?;
    fs::remove_dir_all(&stages).map_err(io(&stages))?;
    Ok(report)
}

fn clean(
    raw: NamedPairs,
    config: &PrepareConfig,
) -> Result<(NamedPairs, BTreeMap<String, CleanReport>), RunError> {
    let (mut clean, mut reports) = (NamedPairs::new(), BTreeMap::new());
    for (name, pairs) in raw {
        let (pairs, report) = clean_pairs(pairs, &config.schema, &config.clean)?;
        clean.insert(name.clone(), pairs);
        reports.insert(name, report);
    }
    Ok((clean, reports))
}

impl State {
    fn open(config: PrepareConfig, out: &Path, resume: bool) -> Result<Self, RunError> {
        let path = out.join(STAGES).join(STATE_FILE);
        let done = out.join("report.json").exists();
        if !resume && (done || path.exists()) {
            let out = out.to_owned();
            return Err(RunError::OutputExists { out });
        }
        if path.exists() {
            let found: Self = read_json(&path)?;
            if found.config == config {
                return Ok(found);
            }
            let text = |config: &PrepareConfig| serde_json::to_string(config).unwrap_or_default();
            return Err(RunError::ResumeMismatch {
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

    fn write(&self, stages: &Path) -> Result<(), RunError> {
        write_json(&stages.join(STATE_FILE), self)
    }

    fn keep(&mut self, stages: &Path, step: &str, pairs: &NamedPairs) -> Result<(), RunError> {
        self.names = pairs.keys().cloned().collect();
        for (name, pairs) in pairs {
            write_labeled_pairs(file(stages, step, name), pairs, &self.config.schema)?;
        }
        Ok(())
    }

    fn load(&self, stages: &Path, step: &str) -> Result<NamedPairs, RunError> {
        eprintln!("{step}: already done");
        let part = |name: &String| {
            let pairs = read_labeled_pairs(file(stages, step, name), &self.config.schema)?;
            Ok((name.clone(), pairs))
        };
        self.names.iter().map(part).collect()
    }
}

fn file(stages: &Path, step: &str, name: &str) -> PathBuf {
    stages.join(format!("{step}-{name}.jsonl"))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::Io { path, source }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    let text = fs::read_to_string(path).map_err(io(path))?;
    serde_json::from_str(&text).map_err(|source| RunError::Json {
        path: path.to_owned(),
        source,
    })
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), RunError> {
    let json = serde_json::to_string_pretty(value).map_err(|source| RunError::Json {
        path: path.to_owned(),
        source,
    })?;
    Ok(AtomicFile::write(path, json + "\n")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &Path) -> PrepareConfig {
        let path = dir.join("judgments.csv");
        let rows = (0..80).map(|i| {
            let label = ["E", "S", "C", "I"][i % 4];
            format!("{},query {},,p{i},title {i},,,,,{label}\n", i / 4, i / 4)
        });
        let header =
            "query_id,query,locale,item_id,title,description,bullet_points,brand,color,label\n";
        let text: String = std::iter::once(header.to_owned()).chain(rows).collect();
        fs::write(&path, text).expect("a temporary file");
        PrepareConfig {
            source: Source::Table(path, Box::default()),
            schema: LabelSchema::esci(),
            clean: CleanConfig::default(),
            dealing: Dealing::Hash,
            parts: vec!["train".into(), "test".into()],
            fractions: vec![0.7, 0.3],
            extension: "jsonl.gz".into(),
            seed: 3,
        }
    }

    #[test]
    fn parts_are_written_with_a_report_and_no_stage_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let out = dir.path().join("out");
        let report = prepare(config(dir.path()), &out, false, "prepare".into()).expect("a run");
        assert_eq!(
            report.parts.values().map(|part| part.pairs).sum::<usize>(),
            80
        );
        assert_eq!(report.rows.read, 80);
        for name in [
            "train.jsonl.gz",
            "test.jsonl.gz",
            "report.json",
            "report.md",
            "schema.json",
        ] {
            assert!(out.join(name).is_file(), "{name}");
        }
        assert!(!out.join(STAGES).exists());
        let again = prepare(config(dir.path()), &out, false, "prepare".into());
        assert!(matches!(again, Err(RunError::OutputExists { .. })));
    }

    #[test]
    fn a_resumed_run_reads_nothing_again_and_other_settings_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let out = dir.path().join("out");
        // A part that stays empty stops the run after cleaning.
        let mut settings = config(dir.path());
        settings.fractions = vec![1.0, 0.0];
        let stopped = prepare(settings.clone(), &out, false, "prepare".into());
        assert!(matches!(stopped, Err(RunError::Option { .. })));
        fs::remove_file(dir.path().join("judgments.csv")).expect("there");
        let stopped = prepare(settings.clone(), &out, true, "prepare".into());
        assert!(
            matches!(stopped, Err(RunError::Option { .. })),
            "not the missing file"
        );
        settings.seed = 4;
        let error = prepare(settings, &out, true, "prepare".into()).expect_err("another seed");
        assert!(matches!(error, RunError::ResumeMismatch { .. }));
    }
}
