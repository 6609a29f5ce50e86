//! The page to look at.

use atomic_files::AtomicFile;
use relevance_data::read_jsonl;
use serde_json::Value;
use training_loop::LogEntry;

use super::evaluate::{CASES_FILE, METRICS_FILE, Systems};
use crate::error::RunError;
use crate::report::{CurveSeries, ExampleCase, ReportData, StageSummary, render};
use crate::two_stage::run::{Facts, Run};
use crate::two_stage::stage::Stage;

pub(super) fn report(run: &Run) -> Result<Facts, RunError> {
    let systems: Systems = read_json(run, METRICS_FILE.as_ref())?;
    let cases: Vec<ExampleCase> = read_json(run, &run.work_dir(Stage::Evaluate).join(CASES_FILE))?;
    let named = systems.named();
    let data = ReportData {
        title: "From a reasoning teacher to a small BERT".into(),
        command_line: run.options.command_line.clone(),
        preset: format!("{:?}", run.config().preset).to_lowercase(),
        seed: run.config().seed,
        device: run.options.device.to_string(),
        created: String::new(),
        settings: settings(run),
        stages: stages(run)?,
        systems: named
            .iter()
            .map(|(name, scores)| ((*name).to_owned(), (*scores).clone()))
            .collect(),
        class_names: run.parts.schema.names(),
        examples: cases,
        notes: notes(run, &systems),
    };
    AtomicFile::write(run.path("report.html"), render(&data)?)?;
    Ok(Facts::new())
}

fn read_json<T: serde::de::DeserializeOwned>(
    run: &Run,
    name: &std::path::Path,
) -> Result<T, RunError> {
    let path = if name.is_absolute() || name.starts_with(&run.options.out) {
        name.to_path_buf()
    } else {
        run.options.out.join(name)
    };
    let text = std::fs::read_to_string(&path).map_err(|source| RunError::Io {
        path: path.clone(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| RunError::Json { path, source })
}

/// The configuration's leaves, under their paths.
fn settings(run: &Run) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (name, part) in &run.manifest.parts {
        rows.push((
            format!("data: {name}"),
            part.to_string()
                .replace(['"', '{', '}'], "")
                .replace(',', ", "),
        ));
    }
    if let Ok(config) = serde_json::to_value(run.config()) {
        leaves("", &config, &mut rows);
    }
    rows
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

fn stages(run: &Run) -> Result<Vec<StageSummary>, RunError> {
    run.manifest
        .stages
        .iter()
        .map(|(stage, record)| {
            Ok(StageSummary {
                name: stage.name().into(),
                seconds: record.seconds,
                note: stage.title().into(),
                loss_curve: curves(run, *stage)?,
                facts: record
                    .facts
                    .iter()
                    .map(|(name, value)| (name.clone(), in_words(value)))
                    .collect(),
            })
        })
        .collect()
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

/// The losses that the stage's trainer logged; none for a stage that trains nothing.
fn curves(run: &Run, stage: Stage) -> Result<Vec<CurveSeries>, RunError> {
    let path = run.work_dir(stage).join(training_loop::LOG_FILE);
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

/// What a reader must know before believing the figures.
fn notes(run: &Run, systems: &Systems) -> Vec<String> {
    let config = run.config();
    let mut notes = Vec::new();
    if config.teacher.init.is_none() {
        notes.push(
            "The teacher started from nothing: a decoder of a few million parameters. It learns the form of a \
             reply, not the world. With --teacher-init a real checkpoint takes its place."
                .to_owned(),
        );
    }
    notes.push(format!(
        "The students learn from {:?} labels; the reasons come from the {:?}. The teacher did not train on these \
         pairs, and label words were taken out of the reasons.",
        config.student.labels, config.student.reasons
    ).to_lowercase());
    notes.push(
        "Both students took the same optimiser steps over the same batches; a CRSD step costs two forward passes."
            .to_owned(),
    );
    if let Some(difference) = systems.crsd_minus_ce.metric("macro_f1") {
        notes.push(format!(
            "CRSD minus cross entropy, macro F1: {:+.4} (95 % interval {:+.4} to {:+.4}, paired bootstrap over {} \
             queries, p = {:.3}). One seed: no claim rests on it.",
            difference.difference.value,
            difference.difference.lower,
            difference.difference.upper,
            systems.crsd_minus_ce.num_queries,
            difference.p_value
        ));
    }
    notes
}
