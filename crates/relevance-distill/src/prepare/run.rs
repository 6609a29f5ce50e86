//! The steps of a preparation: read, clean, deal, write.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use atomic_files::AtomicFile;
use relevance_data::cleaning::{CleanReport, NearDuplicateConfig, clean_pairs};
use relevance_data::sources::write_pairs;
use relevance_data::{LabeledPair, split_leakage};
use training_loop::Interrupt;

use super::config::PrepareConfig;
use super::earlier::earlier_parts;
use super::parts::{Dealing, deal};
use super::progress::known_bar;
use super::report::{PrepareReport, summaries};
use super::source::NamedPairs;
use super::state::{STAGES, State};
use crate::error::DistillError;
use crate::json_file::write_json;

/// When two queries are nearly the same: short texts need short shingles.
fn near_queries() -> NearDuplicateConfig {
    NearDuplicateConfig::default()
        .with_threshold(0.7)
        .with_shingle(3)
}

/// Reads, cleans, deals and writes. Each step is kept in `out/stages` until all are done, so that the same
/// call with `resume` does only what is missing. A run that was interrupted or killed leaves its stages; one
/// that fails for another reason leaves nothing, since the same input would fail again.
///
/// # Errors
///
/// A source that cannot be read, a part that would be empty, a query that stands in two named parts; a
/// folder that holds a run of other settings; [`DistillError::Interrupted`] once `interrupt` is requested.
pub fn prepare(
    config: PrepareConfig,
    out: &Path,
    resume: bool,
    command: String,
    interrupt: &Interrupt,
) -> Result<PrepareReport, DistillError> {
    config.validate()?;
    let is_new = !out.exists();
    let state = State::open(config, out, resume)?;
    let done = steps(state, out, command, interrupt);
    match &done {
        Ok(_) | Err(DistillError::Interrupted { .. }) => {}
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
    interrupt: &Interrupt,
) -> Result<PrepareReport, DistillError> {
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
    fs::remove_dir_all(&stages).map_err(DistillError::io(&stages))?;
    Ok(report)
}

/// The pairs after cleaning, from the stage that is there or by doing what is missing.
fn cleaned(
    state: &mut State,
    config: &PrepareConfig,
    stages: &Path,
    interrupt: &Interrupt,
) -> Result<NamedPairs, DistillError> {
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
fn dealt(clean: NamedPairs, config: &PrepareConfig) -> Result<NamedPairs, DistillError> {
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
        let value = format!("{name}, which would be empty");
        let allowed = "parts with at least one pair: give more data or other fractions";
        return Err(DistillError::invalid("parts", value, allowed));
    }
    Ok(parts)
}

/// Stops before a step if Ctrl-C was pressed.
fn go_on(interrupt: &Interrupt, stage: &str) -> Result<(), DistillError> {
    if !interrupt.is_requested() {
        return Ok(());
    }
    Err(DistillError::Interrupted {
        stage: stage.to_owned(),
    })
}

fn clean(
    raw: NamedPairs,
    config: &PrepareConfig,
) -> Result<(NamedPairs, BTreeMap<String, CleanReport>), DistillError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use relevance_data::LabelSchema;

    use crate::prepare::parts::Dealing;
    use crate::prepare::source::Source;

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
            parts: vec!["train".into(), "test".into()],
            fractions: vec![0.7, 0.3],
            extension: "jsonl.gz".into(),
            seed: 3,
            ..PrepareConfig::new(Source::Table(path, Box::default()), LabelSchema::esci())
        }
    }

    fn run(config: PrepareConfig, out: &Path, resume: bool) -> Result<PrepareReport, DistillError> {
        prepare(config, out, resume, "prepare".into(), &Interrupt::new())
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
        assert!(matches!(again, Err(DistillError::OutputExists { .. })));
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
            .read(&settings.schema, None, &Interrupt::new());
        let (pairs, rows) = read.expect("read");
        state.keep(&out.join(STAGES), "read", &pairs).expect("kept");
        state.rows = Some(rows);
        state.write(&out.join(STAGES)).expect("kept");
        fs::write(out.join(".writing-x"), "half").expect("a file that was not finished");

        let stop = Interrupt::new();
        stop.request();
        let stopped = prepare(settings.clone(), &out, true, String::new(), &stop);
        assert!(matches!(stopped, Err(DistillError::Interrupted { .. })));
        fs::remove_file(dir.path().join("judgments.csv")).expect("there");
        let mut other = settings.clone();
        other.seed = 4;
        let error = run(other, &out, true).expect_err("another seed");
        assert!(matches!(error, DistillError::ResumeMismatch { .. }));
        let error = run(settings.clone(), &out, false).expect_err("no --resume");
        assert!(matches!(error, DistillError::OutputExists { .. }));

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
