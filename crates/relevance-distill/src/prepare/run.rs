//! The steps, and what an interrupted run keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use atomic_files::AtomicFile;
use relevance_data::cleaning::{CleanConfig, CleanReport, NearDuplicateConfig, clean_pairs};
use relevance_data::sources::{TableFormat, write_pairs};
use relevance_data::{
    DataError, LabelSchema, LabeledPair, PairSource, RowReport, SourceConfig, read_labeled_pairs,
    split_leakage, write_labeled_pairs,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::parts::{Dealing, deal};
use super::progress::known_bar;
use super::report::{PartSummary, PrepareReport, summaries};
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
    /// The folder of an earlier run whose queries stay in their parts; for a stratified deal.
    pub extend: Option<PathBuf>,
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
            &NamedPairs::new(),
        )?;
        if self.extend.is_some() && self.dealing != Dealing::Stratified {
            return Err(RunError::Option {
                option: "extend",
                value: "a folder".into(),
                allowed:
                    "with a stratified split only: a hash moves nothing anyway, and named parts \
                          are the data's own"
                        .into(),
            });
        }
        Ok(self.clean.near_duplicate.validate()?)
    }
}

/// When two queries are nearly the same: short texts need short shingles.
fn near_queries() -> NearDuplicateConfig {
    NearDuplicateConfig::default()
        .with_threshold(0.7)
        .with_shingle(3)
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
/// call with `resume` does only what is missing. A run that was interrupted or killed leaves its stages; one
/// that fails for another reason leaves nothing, since the same input would fail again.
///
/// # Errors
///
/// A source that cannot be read, a part that would be empty, a query that stands in two named parts; a
/// folder that holds a run of other settings; [`RunError::Interrupted`] once `interrupt` is raised.
pub fn prepare(
    config: PrepareConfig,
    out: &Path,
    resume: bool,
    command: String,
    interrupt: &AtomicBool,
) -> Result<PrepareReport, RunError> {
    config.validate()?;
    let is_new = !out.exists();
    let state = State::open(config, out, resume)?;
    let done = steps(state, out, command, interrupt);
    match &done {
        Ok(_) | Err(RunError::Interrupted { .. }) => {}
        Err(_) => {
            // The error that is on its way says more than one of tidying up would.
            let _ = fs::remove_dir_all(out.join(STAGES));
            let _ = if is_new { fs::remove_dir(out) } else { Ok(()) };
        }
    }
    done
}

fn steps(
    mut state: State,
    out: &Path,
    command: String,
    interrupt: &AtomicBool,
) -> Result<PrepareReport, RunError> {
    let stages = out.join(STAGES);
    let config = state.config.clone();
    let clean = cleaned(&mut state, &config, &stages, interrupt)?;
    let parts = dealt(clean, &config)?;
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
    let bar = known_bar("write", parts.values().map(Vec::len).sum());
    for (name, pairs) in &parts {
        go_on(interrupt, "write")?;
        let file = out.join(&report.parts[name].file);
        write_pairs(file, bar.wrap_iter(pairs.iter()), &config.schema)?;
    }
    bar.finish_and_clear();
    write_json(&out.join("schema.json"), &config.schema)?;
    AtomicFile::write(out.join("report.md"), report.markdown())?;
    write_json(&out.join("report.json"), &report)?;
    fs::remove_dir_all(&stages).map_err(io(&stages))?;
    Ok(report)
}

/// The pairs after cleaning, from the stage that is there or by doing what is missing.
fn cleaned(
    state: &mut State,
    config: &PrepareConfig,
    stages: &Path,
    interrupt: &AtomicBool,
) -> Result<NamedPairs, RunError> {
    if state.cleaning.is_some() {
        return state.load(stages, "clean");
    }
    let raw = if state.rows.is_some() {
        state.load(stages, "read")?
    } else {
        let named = (config.dealing == Dealing::Named).then_some(config.parts.as_slice());
        let (pairs, rows) = config.source.read(&config.schema, named, interrupt)?;
        state.keep(stages, "read", &pairs)?;
        state.rows = Some(rows);
        state.write(stages)?;
        pairs
    };
    go_on(interrupt, "clean")?;
    let (pairs, reports) = clean(raw, config)?;
    state.keep(stages, "clean", &pairs)?;
    state.cleaning = Some(reports);
    state.write(stages)?;
    go_on(interrupt, "deal")?;
    Ok(pairs)
}

/// The parts, none of them empty.
fn dealt(clean: NamedPairs, config: &PrepareConfig) -> Result<NamedPairs, RunError> {
    let earlier = match &config.extend {
        Some(folder) => earlier_parts(folder, config)?,
        None => NamedPairs::new(),
    };
    let parts = deal(
        clean,
        config.dealing,
        &config.parts,
        &config.fractions,
        config.seed,
        &earlier,
    )?;
    if let Some((name, _)) = parts.iter().find(|(_, pairs)| pairs.is_empty()) {
        return Err(RunError::Option {
            option: "parts",
            value: format!("{name}, which would be empty"),
            allowed: "parts with at least one pair: give more data or other fractions".into(),
        });
    }
    Ok(parts)
}

/// The parts that an earlier run left in its folder.
fn earlier_parts(folder: &Path, config: &PrepareConfig) -> Result<NamedPairs, RunError> {
    #[derive(Deserialize)]
    struct Earlier {
        parts: BTreeMap<String, PartSummary>,
    }
    let earlier: Earlier = read_json(&folder.join("report.json"))?;
    let source = SourceConfig::default();
    let mut parts = NamedPairs::new();
    for (name, part) in earlier.parts {
        if !config.parts.contains(&name) {
            return Err(RunError::Option {
                option: "parts",
                value: config.parts.join(","),
                allowed: format!("names with {name:?} among them, which the earlier run has"),
            });
        }
        let pairs = PairSource::open(folder.join(part.file), &source, &config.schema)?;
        let pairs = pairs.map(|pair| Ok(pair?.labeled()));
        let pairs: Result<Vec<Option<LabeledPair>>, DataError> = pairs.collect();
        parts.insert(name, pairs?.into_iter().flatten().collect());
    }
    Ok(parts)
}

/// Stops before a step if Ctrl-C was pressed.
fn go_on(interrupt: &AtomicBool, stage: &str) -> Result<(), RunError> {
    if !interrupt.load(Ordering::Relaxed) {
        return Ok(());
    }
    Err(RunError::Interrupted {
        stage: stage.to_owned(),
    })
}

fn clean(
    raw: NamedPairs,
    config: &PrepareConfig,
) -> Result<(NamedPairs, BTreeMap<String, CleanReport>), RunError> {
    let (mut clean, mut reports) = (NamedPairs::new(), BTreeMap::new());
    let bar = known_bar("clean", raw.values().map(Vec::len).sum());
    bar.tick();
    for (name, pairs) in raw {
        let before = pairs.len() as u64;
        let (pairs, report) = clean_pairs(pairs, &config.schema, &config.clean)?;
        bar.inc(before);
        clean.insert(name.clone(), pairs);
        reports.insert(name, report);
    }
    bar.finish_and_clear();
    Ok((clean, reports))
}

impl State {
    fn open(config: PrepareConfig, out: &Path, resume: bool) -> Result<Self, RunError> {
        remove_unfinished(&[out, &out.join(STAGES)]);
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
            extend: None,
        }
    }

    fn run(config: PrepareConfig, out: &Path, resume: bool) -> Result<PrepareReport, RunError> {
        prepare(
            config,
            out,
            resume,
            "prepare".into(),
            &AtomicBool::new(false),
        )
    }

    fn names(folder: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    const WRITTEN: [&str; 5] = [
        "report.json",
        "report.md",
        "schema.json",
        "test.jsonl.gz",
        "train.jsonl.gz",
    ];

    #[test]
    fn parts_are_written_with_a_report_and_no_stage_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let out = dir.path().join("out");
        let report = run(config(dir.path()), &out, false).expect("a run");
        assert_eq!(
            report.parts.values().map(|part| part.pairs).sum::<usize>(),
            80
        );
        assert_eq!(report.rows.read, 80);
        assert_eq!(names(&out), WRITTEN);
        let again = run(config(dir.path()), &out, false);
        assert!(matches!(again, Err(RunError::OutputExists { .. })));
    }

    #[test]
    fn an_interrupted_run_goes_on_and_reads_nothing_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let (out, whole) = (dir.path().join("out"), dir.path().join("whole"));
        let settings = config(dir.path());
        run(settings.clone(), &whole, false).expect("a run");
        // What a run has done that was stopped before it cleaned.
        let mut state = State::open(settings.clone(), &out, false).expect("a new run");
        let read = settings
            .source
            .read(&settings.schema, None, &AtomicBool::new(false));
        let (pairs, rows) = read.expect("read");
        state.keep(&out.join(STAGES), "read", &pairs).expect("kept");
        state.rows = Some(rows);
        state.write(&out.join(STAGES)).expect("kept");
        fs::write(out.join(".writing-x"), "half").expect("a file that was not finished");

        let stopped = prepare(
            settings.clone(),
            &out,
            true,
            String::new(),
            &AtomicBool::new(true),
        );
        assert!(matches!(stopped, Err(RunError::Interrupted { .. })));
        fs::remove_file(dir.path().join("judgments.csv")).expect("there");
        let mut other = settings.clone();
        other.seed = 4;
        let error = run(other, &out, true).expect_err("another seed");
        assert!(matches!(error, RunError::ResumeMismatch { .. }));
        let error = run(settings.clone(), &out, false).expect_err("no --resume");
        assert!(matches!(error, RunError::OutputExists { .. }));

        run(settings, &out, true).expect("resumed");
        assert_eq!(names(&out), WRITTEN);
        for name in WRITTEN {
            let read = |folder: &Path| fs::read(folder.join(name)).expect("a file");
            assert_eq!(read(&out), read(&whole), "{name}");
        }
    }

    #[test]
    fn a_run_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let out = dir.path().join("out");
        let mut empty = config(dir.path());
        empty.fractions = vec![1.0, 0.0];
        let mut unknown = config(dir.path());
        unknown.schema = LabelSchema::binary();
        let mut missing = config(dir.path());
        missing.source = Source::Table(dir.path().join("none.csv"), Box::default());
        for settings in [empty, unknown, missing] {
            run(settings, &out, false).expect_err("a fault");
            assert!(!out.exists());
        }
    }

    #[test]
    fn rows_added_to_a_stratified_run_move_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        let mut settings = config(dir.path());
        settings.dealing = Dealing::Stratified;
        run(settings.clone(), &first, false).expect("a run");
        let path = dir.path().join("judgments.csv");
        let text = fs::read_to_string(&path).expect("there");
        let more: String = (20..60)
            .map(|i| format!("{i},query {i},,p,title,,,,,E\n"))
            .collect();
        fs::write(&path, text + &more).expect("written");
        settings.extend = Some(first.clone());
        run(settings.clone(), &second, false).expect("a run");
        let queries = |folder: &Path| -> BTreeMap<String, BTreeSet<String>> {
            let mut settings = settings.clone();
            settings.extension = "jsonl.gz".into();
            let parts = earlier_parts(folder, &settings).expect("parts");
            let texts = |pairs: Vec<LabeledPair>| pairs.into_iter().map(|p| p.pair.query.text);
            parts
                .into_iter()
                .map(|(name, pairs)| (name, texts(pairs).collect()))
                .collect()
        };
        let (before, after) = (queries(&first), queries(&second));
        for (name, queries) in &before {
            assert!(queries.is_subset(&after[name]), "{name}");
        }
        assert_eq!(after.values().map(BTreeSet::len).sum::<usize>(), 60);
        settings.dealing = Dealing::Hash;
        let error = settings.validate().expect_err("nothing to extend");
        assert!(error.to_string().contains("stratified"), "{error}");
    }
}
