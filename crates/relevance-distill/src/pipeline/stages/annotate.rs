//! Stage 1.4: labels and reasons for the log pairs.

use relevance_data::{
    AnnotatedPair, Label, LabelSchema, LabeledPair, Pair, Provenance, RationaleWriter,
    label_leakage, normalize_query,
};
use serde::Serialize;

use crate::error::DistillError;
use crate::pipeline::artifacts::{AnnotationsFile, TeacherFolder};
use crate::pipeline::stage_context::StageContext;
use crate::pipeline::teacher_config::TeacherConfig;

/// Folds, by query, of the classifier that measures how far the reasons give the labels away.
const LEAKAGE_FOLDS: usize = 5;

/// Annotates the pairs of the search log.
#[derive(Clone, Debug)]
pub struct Annotate<'a> {
    /// Who gives the reasons.
    pub by: Annotator,
    /// The pairs. Their labels go into the file beside the annotator's; the teacher does not see them.
    pub pairs: &'a [LabeledPair],
    /// The labels.
    pub schema: &'a LabelSchema,
    /// Where the annotations go.
    pub out: AnnotationsFile,
}

/// Who gives the reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Annotator {
    /// A teacher, which has not seen these pairs' labels: its reasons are out of fold.
    Teacher(TeacherFolder),
    /// The deterministic writer, which is given the gold label: its reasons are rationalisations.
    Writer,
}

/// What it found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Annotated {
    /// Pairs that were to be annotated.
    pub pairs: usize,
    /// Pairs that are in the file.
    pub annotated: usize,
    /// Replies that were sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replies: Option<usize>,
    /// Replies that could not be parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parse_failures: Option<usize>,
    /// Mean confidence of the annotated pairs, in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_confidence: Option<f64>,
    /// Share of annotations with the gold label.
    pub agreement_with_gold: f64,
    /// How often a bag of words tells the label from the reason alone (METHOD, hazard 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage_accuracy: Option<f64>,
    /// How often the most frequent label is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage_majority_accuracy: Option<f64>,
    /// Why the two figures before are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage: Option<String>,
}

impl Annotate<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// The teacher cannot be read; [`DistillError::EmptyPart`] if none of its replies could be parsed;
    /// [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Annotated, DistillError> {
        let found = match &self.by {
            Annotator::Teacher(folder) => self.by_teacher(folder, config, context)?,
            Annotator::Writer => self.by_writer()?,
        };
        self.leakage(found, context.seed)
    }

    fn by_teacher(
        &self,
        folder: &TeacherFolder,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Annotated, DistillError> {
        let teacher = folder.load(&context.device)?;
        let pairs: Vec<Pair> = self.pairs.iter().map(|pair| pair.pair.clone()).collect();
        let gold: Vec<Label> = self.pairs.iter().map(|pair| pair.label).collect();
        let report = teacher.annotate(
            &pairs,
            Some(&gold),
            &self.out.0,
            &config.annotate_config(context.seed),
            &context.interrupt,
        )?;
        if report.interrupted {
            return Err(context.interrupted());
        }
        if report.annotated == 0 {
            let first = report.failures.first();
            return Err(DistillError::EmptyPart {
                part: "annotated",
                hint: format!(
                    "none of the teacher's {} replies could be parsed ({}); train it for longer",
                    report.replies,
                    first.map_or("", |failure| failure.reason.as_str())
                ),
            });
        }
        Ok(Annotated {
            pairs: report.pairs,
            annotated: report.annotated,
            replies: Some(report.replies),
            parse_failures: Some(report.parse_failures),
            mean_confidence: Some(report.mean_confidence),
            ..Annotated::default()
        })
    }

    fn by_writer(&self) -> Result<Annotated, DistillError> {
        let writer = RationaleWriter::new(self.schema.clone());
        let annotation = |pair: &LabeledPair| AnnotatedPair {
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
        };
        let annotations: Vec<AnnotatedPair> = self.pairs.iter().map(annotation).collect();
        self.out.write(&annotations, self.schema)?;
        Ok(Annotated {
            pairs: annotations.len(),
            annotated: annotations.len(),
            ..Annotated::default()
        })
    }

    /// How well a bag of words predicts the students' labels from the reasons alone, and how often the
    /// annotated label is the gold one.
    fn leakage(&self, mut found: Annotated, seed: u64) -> Result<Annotated, DistillError> {
        let annotations = self.out.read(self.schema)?;
        let agrees = |row: &&AnnotatedPair| row.gold == Some(row.label);
        let agreeing = annotations.iter().filter(agrees).count();
        found.agreement_with_gold = agreeing as f64 / annotations.len().max(1) as f64;
        let reason = |row: &AnnotatedPair| {
            let query = normalize_query(&row.pair.query.text);
            let reason = row.rationale.without_label_words(self.schema);
            let label = row.gold.unwrap_or(row.label);
            (query, reason.as_str().to_owned(), label)
        };
        let reasons: Vec<(String, String, Label)> = annotations.iter().map(reason).collect();
        match label_leakage(&reasons, self.schema, LEAKAGE_FOLDS, seed) {
            Ok(report) => {
                eprintln!("{report}");
                found.leakage_accuracy = Some(report.accuracy);
                found.leakage_majority_accuracy = Some(report.majority_accuracy);
            }
            // Too few queries to part into folds: there is nothing to report, and the run goes on.
            Err(error) => {
                eprintln!("no leakage report: {error}");
                found.leakage = Some(error.to_string());
            }
        }
        Ok(found)
    }
}
