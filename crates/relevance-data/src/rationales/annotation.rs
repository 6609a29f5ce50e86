//! Pairs with labels, and with a teacher's reasoning, in JSON Lines files.

use crate::{
    DataError, JsonlReader, Label, LabelSchema, LabeledPair, Pair, Position, Rationale, write_jsonl,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// How far the probabilities of a row may sum from 1.
const SUM_TOLERANCE: f32 = 1e-3;

/// Where an annotation comes from, and how sure it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Provenance {
    /// The teacher: a folder, a model's name, or `writer` for the deterministic one.
    pub teacher: String,
    /// How many replies were sampled.
    pub samples: u32,
    /// How many of them voted for the label.
    pub votes: u32,
    /// How many of them could not be parsed.
    pub parse_failures: u32,
    /// The seed of the sampling.
    pub seed: u64,
}

/// A pair that a teacher labelled and explained.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotatedPair {
    /// The query and the item.
    pub pair: Pair,
    /// The teacher's verdict.
    pub label: Label,
    /// The teacher's reasoning.
    pub rationale: Rationale,
    /// How sure the teacher is, in `[0, 1]`: the share of the replies that voted for the label.
    pub confidence: f32,
    /// The human label, where it is known.
    pub gold: Option<Label>,
    /// The teacher's distribution over the classes, in the schema's order, where it was computed; the
    /// file names each class.
    pub probabilities: Option<Vec<f32>>,
    /// Where the annotation comes from.
    pub provenance: Provenance,
}

#[derive(Serialize, Deserialize)]
struct AnnotationRecord {
    #[serde(flatten)]
    pair: Pair,
    label: String,
    rationale: Rationale,
    #[serde(default = "sure")]
    confidence: f32,
    #[serde(default)]
    gold: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probabilities: Option<BTreeMap<String, f32>>,
    #[serde(default)]
    provenance: Provenance,
}

/// The confidence of whoever states none.
fn sure() -> f32 {
    1.0
}

#[derive(Serialize, Deserialize)]
struct LabeledRecord {
    #[serde(flatten)]
    pair: Pair,
    label: String,
}

/// Reads annotations. Labels stand in the file by name; a line without `confidence` is sure (1), and
/// `gold` and `provenance` may be absent, too.
///
/// ```
/// # use relevance_data::{LabelSchema, read_annotations};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("mine.jsonl");
/// let line = r#"{"query": {"text": "usb cable"}, "item": {"title": "USB-C cable"}, "label": "E", "rationale": "It fits."}"#;
/// std::fs::write(&path, line)?;
/// let annotated = read_annotations(&path, &LabelSchema::esci())?;
/// assert_eq!((annotated[0].confidence, annotated[0].gold), (1.0, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A value that is none is refused, with its place:
///
/// ```
/// use relevance_data::{LabelSchema, read_annotations};
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("annotations.jsonl");
/// std::fs::write(&path, r#"{"query": {"text": "usb cable"}, "item": {"title": "USB-C cable"}, "label": "Exact",
/// "rationale": "It fits.", "confidence": 2, "provenance": {"teacher": "me", "samples": 1, "votes": 1,
/// "parse_failures": 0, "seed": 0}}"#.replace('\n', " "))?;
/// let error = read_annotations(&path, &LabelSchema::esci()).unwrap_err();
/// assert!(error.to_string().ends_with("line 1: field \"confidence\" = 2; allowed: 0 to 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::Json`], [`DataError::UnknownLabelInFile`] or [`DataError::InvalidField`] (a
/// confidence outside `[0, 1]`, probabilities that are no distribution) with file and line; [`DataError::Io`].
pub fn read_annotations(
    path: impl AsRef<Path>,
    schema: &LabelSchema,
) -> Result<Vec<AnnotatedPair>, DataError> {
    let path = path.as_ref();
    read_records(path, |record: AnnotationRecord, position| {
        if !(0.0..=1.0).contains(&record.confidence) {
            return Err(DataError::InvalidField {
                path: path.to_owned(),
                position,
                field: "confidence",
                value: record.confidence.to_string(),
                allowed: "0 to 1",
            });
        }
        let probabilities = record.probabilities.map(|named| {
            distribution(&named, schema)?.ok_or_else(|| DataError::InvalidField {
                path: path.to_owned(),
                position,
                field: "probabilities",
                value: format!("{named:?}"),
                allowed: "one number of at least 0 for each class, with the sum 1",
            })
        });
        Ok(AnnotatedPair {
            probabilities: probabilities.transpose()?,
            label: schema.parse(&record.label)?,
            gold: record.gold.map(|gold| schema.parse(&gold)).transpose()?,
            pair: record.pair,
            rationale: record.rationale,
            confidence: record.confidence,
            provenance: record.provenance,
        })
    })
}

/// A distribution in the schema's order; none if it is no distribution over all classes.
fn distribution(
    named: &BTreeMap<String, f32>,
    schema: &LabelSchema,
) -> Result<Option<Vec<f32>>, DataError> {
    let mut row = vec![f32::NAN; schema.len()];
    for (name, &probability) in named {
        row[schema.parse(name)?.index()] = probability;
    }
    let sum: f32 = row.iter().sum();
    let valid = row.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= SUM_TOLERANCE;
    Ok(valid.then_some(row))
}

/// Writes annotations, labels by name. The file appears whole or not at all.
///
/// ```
/// use relevance_data::*;
/// # let dir = tempfile::tempdir()?;
/// let (path, schema) = (dir.path().join("annotations.jsonl"), LabelSchema::esci());
/// let annotation = AnnotatedPair {
///     pair: Pair { query: Query::new("q1", "usb c cable"), item: Item::new("B1", "USB-C cable, 2 m") },
///     label: schema.parse("Exact")?,
///     rationale: Rationale::new("The item is what was asked for."),
///     confidence: 0.75,
///     gold: None,
///     probabilities: None,
///     provenance: Provenance { teacher: "qwen".into(), samples: 4, votes: 3, ..Provenance::default() },
/// };
/// write_annotations(&path, [&annotation], &schema)?;
/// assert_eq!(read_annotations(&path, &schema)?, [annotation]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::File`] or [`DataError::Io`] if the file cannot be written.
pub fn write_annotations<'a>(
    path: impl AsRef<Path>,
    annotations: impl IntoIterator<Item = &'a AnnotatedPair>,
    schema: &LabelSchema,
) -> Result<(), DataError> {
    let record = |annotation: &AnnotatedPair| AnnotationRecord {
        pair: annotation.pair.clone(),
        label: schema.name(annotation.label).to_owned(),
        rationale: annotation.rationale.clone(),
        confidence: annotation.confidence,
        gold: annotation.gold.map(|gold| schema.name(gold).to_owned()),
        probabilities: annotation.probabilities.as_ref().map(|row| {
            schema
                .names()
                .into_iter()
                .zip(row.iter().copied())
                .collect()
        }),
        provenance: annotation.provenance.clone(),
    };
    write_jsonl(path, annotations.into_iter().map(record))
}

/// Reads labelled pairs: an annotation's `query`, `item` and `label`.
///
/// ```
/// use relevance_data::{LabelSchema, read_labeled_pairs};
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("pairs.jsonl");
/// std::fs::write(&path, r#"{"query": {"text": "usb cable"}, "item": {"title": "Garden hose"}, "label": "I"}"#)?;
/// let pairs = read_labeled_pairs(&path, &LabelSchema::esci())?;
/// assert_eq!(LabelSchema::esci().name(pairs[0].label), "Irrelevant");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::Json`] or [`DataError::UnknownLabelInFile`] with file and line; [`DataError::Io`].
pub fn read_labeled_pairs(
    path: impl AsRef<Path>,
    schema: &LabelSchema,
) -> Result<Vec<LabeledPair>, DataError> {
    read_records(path.as_ref(), |record: LabeledRecord, _| {
        Ok(LabeledPair {
            label: schema.parse(&record.label)?,
            pair: record.pair,
        })
    })
}

/// Writes labelled pairs, labels by name. The file appears whole or not at all.
///
/// ```
/// use relevance_data::*;
/// # let dir = tempfile::tempdir()?;
/// let (path, schema) = (dir.path().join("pairs.jsonl"), LabelSchema::esci());
/// let pair = Pair { query: Query::new("q1", "usb c cable"), item: Item::new("B1", "USB-C cable, 2 m") };
/// let pairs = [LabeledPair { pair, label: schema.parse("E")? }];
/// write_labeled_pairs(&path, &pairs, &schema)?;
/// assert!(std::fs::read_to_string(&path)?.contains(r#""label":"Exact""#)); // by name, not by alias
/// assert_eq!(read_labeled_pairs(&path, &schema)?, pairs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::File`] or [`DataError::Io`] if the file cannot be written.
pub fn write_labeled_pairs<'a>(
    path: impl AsRef<Path>,
    pairs: impl IntoIterator<Item = &'a LabeledPair>,
    schema: &LabelSchema,
) -> Result<(), DataError> {
    let record = |labeled: &LabeledPair| LabeledRecord {
        pair: labeled.pair.clone(),
        label: schema.name(labeled.label).to_owned(),
    };
    write_jsonl(path, pairs.into_iter().map(record))
}

fn read_records<R: serde::de::DeserializeOwned, T>(
    path: &Path,
    build: impl Fn(R, Position) -> Result<T, DataError>,
) -> Result<Vec<T>, DataError> {
    let mut reader = JsonlReader::<R>::open(path)?;
    let mut built = Vec::new();
    while let Some(record) = reader.next() {
        let position = Position::Line(reader.line());
        built.push(build(record?, position).map_err(|error| error.in_file(path, position))?);
    }
    Ok(built)
}
