//! Labels and reasons for the log pairs.

use causal_lm::GenerationConfig;
use relevance_data::{
    AnnotatedPair, Label, Pair, Provenance, RationaleWriter, label_leakage, normalize_query,
    read_annotations, write_annotations,
};
use serde_json::json;
use teacher_train::AnnotateConfig;

use super::teacher::{TEACHER_DIR, teacher};
use crate::error::RunError;
use crate::two_stage::config::Reasons;
use crate::two_stage::run::{Facts, Run};
use crate::two_stage::stage::Stage;

/// The file's name in the output folder.
pub(super) const ANNOTATIONS_FILE: &str = "annotations.jsonl";

/// Folds, by query, of the classifier that measures how far the reasons give the labels away.
const LEAKAGE_FOLDS: usize = 5;

pub(super) fn annotate(run: &Run) -> Result<Facts, RunError> {
    let mut facts = match run.config().student.reasons {
        Reasons::Teacher => by_teacher(run)?,
        Reasons::Writer => by_writer(run)?,
    };
    facts.extend(leakage(run)?);
    Ok(facts)
}

/// The teacher has not seen these pairs' labels: its reasons are out of fold.
fn by_teacher(run: &Run) -> Result<Facts, RunError> {
    let settings = &run.config().teacher;
    let teacher = teacher(run, &run.path(TEACHER_DIR))?;
    let pairs: Vec<Pair> = run.parts.log.iter().map(|pair| pair.pair.clone()).collect();
    let gold: Vec<Label> = run.parts.log.iter().map(|pair| pair.label).collect();
    let config = AnnotateConfig {
        teacher: settings
            .init
            .clone()
            .unwrap_or_else(|| "from-nothing".into()),
        generation: GenerationConfig {
            max_new_tokens: settings.max_new_tokens,
            do_sample: settings.annotation_samples > 1,
            temperature: settings.temperature,
            num_return_sequences: settings.annotation_samples,
            seed: run.config().seed,
            batch_size: settings.generation_batch_size,
            ..GenerationConfig::default()
        },
        label_probabilities: settings.label_probabilities,
        chunk_size: settings.generation_batch_size * 2,
    };
    let out = run.path(ANNOTATIONS_FILE);
    let interrupt = Some(&run.options.interrupt);
    let report = teacher.annotate(&pairs, Some(&gold), &out, &config, interrupt)?;
    if report.interrupted {
        return Err(RunError::Interrupted {
            stage: format!("stage {}", Stage::Annotate),
        });
    }
    if report.annotated == 0 {
        return Err(RunError::EmptyPart {
            part: "annotated",
            hint: format!(
                "none of the teacher's {} replies could be parsed ({}); train it for longer",
                report.replies,
                report
                    .failures
                    .first()
                    .map_or("", |failure| failure.reason.as_str())
            ),
        });
    }
    Ok(Facts::from([
        ("pairs".to_string(), json!(report.pairs)),
        ("annotated".to_string(), json!(report.annotated)),
        ("replies".to_string(), json!(report.replies)),
        ("parse_failures".to_string(), json!(report.parse_failures)),
        ("mean_confidence".to_string(), json!(report.mean_confidence)),
    ]))
}

/// The deterministic writer is given the gold label: the reasons are rationalisations.
fn by_writer(run: &Run) -> Result<Facts, RunError> {
    let writer = RationaleWriter::new(run.parts.schema.clone());
    let annotations: Vec<AnnotatedPair> = run
        .parts
        .log
        .iter()
        .map(|pair| AnnotatedPair {
            pair: pair.pair.clone(),
            label: pair.label,
            rationale: writer.write(pair),
            confidence: 1.0,
            gold: Some(pair.label),
            probabilities: None,
            provenance: Provenance {
                teacher: "writer".into(),
                samples: 1,
                votes: 1,
                ..Provenance::default()
            },
        })
        .collect();
    write_annotations(run.path(ANNOTATIONS_FILE), &annotations, &run.parts.schema)?;
    Ok(Facts::from([
        ("pairs".to_string(), json!(annotations.len())),
        ("annotated".to_string(), json!(annotations.len())),
    ]))
}

/// How well a bag of words predicts the students' labels from the reasons alone (METHOD, hazard 1),
/// and how often the annotated label is the gold one.
fn leakage(run: &Run) -> Result<Facts, RunError> {
    let schema = &run.parts.schema;
    let annotations = read_annotations(run.path(ANNOTATIONS_FILE), schema)?;
    let agreeing = annotations
        .iter()
        .filter(|row| row.gold == Some(row.label))
        .count();
    let mut facts = Facts::from([(
        "agreement_with_gold".to_string(),
        json!(agreeing as f64 / annotations.len().max(1) as f64),
    )]);
    let reasons: Vec<(String, String, Label)> = annotations
        .iter()
        .map(|row| {
            let query = normalize_query(&row.pair.query.text);
            let reason = row
                .rationale
                .without_label_words(schema)
                .as_str()
                .to_owned();
            (query, reason, row.gold.unwrap_or(row.label))
        })
        .collect();
    match label_leakage(&reasons, schema, LEAKAGE_FOLDS, run.config().seed) {
        Ok(report) => {
            eprintln!("{report}");
            facts.insert("leakage_accuracy".into(), json!(report.accuracy));
            facts.insert(
                "leakage_majority_accuracy".into(),
                json!(report.majority_accuracy),
            );
        }
        // Too few queries to part into folds: there is nothing to report, and the run goes on.
        Err(error) => {
            eprintln!("no leakage report: {error}");
            facts.insert("leakage".into(), json!(error.to_string()));
        }
    }
    Ok(facts)
}
