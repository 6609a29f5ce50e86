//! What the report page shows: plain values, so that a stage's summary can be stored and read back.

use relevance_eval::Evaluation;
pub use relevance_eval::plot::CurveSeries;
use serde::{Deserialize, Serialize};

/// Everything on the page. Every text may hold any character: [`render`](super::render) escapes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportData {
    /// Heading of the page.
    pub title: String,
    /// The command that was run, as typed.
    pub command_line: String,
    /// Name of the preset.
    pub preset: String,
    /// The seed of the run.
    pub seed: u64,
    /// The device that trained.
    pub device: String,
    /// When the run ended, in words or ISO 8601; empty to leave it out.
    pub created: String,
    /// Rows of the settings table: name, value.
    pub settings: Vec<(String, String)>,
    /// The stages, in the order in which they ran.
    pub stages: Vec<StageSummary>,
    /// The systems that were compared, in the order of the tables: name, figures.
    pub systems: Vec<(String, Evaluation)>,
    /// Names of the classes, in schema order.
    pub class_names: Vec<String>,
    /// Some pairs with every system's answer.
    pub examples: Vec<ExampleCase>,
    /// What a reader must know before believing the figures.
    pub notes: Vec<String>,
}

/// One stage of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageSummary {
    /// Name, unique within the run.
    pub name: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// One sentence on what it did.
    pub note: String,
    /// Its losses by step; empty for a stage that trains nothing.
    pub loss_curve: Vec<CurveSeries>,
    /// Further figures: name, value.
    pub facts: Vec<(String, String)>,
}

/// One pair with the gold label, the teacher's reply and the students' answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExampleCase {
    /// The query.
    pub query: String,
    /// The item's text.
    pub item: String,
    /// Name of the gold class.
    pub gold: String,
    /// Name of the class that the teacher gave, or a word such as `unparsed`.
    pub teacher_label: String,
    /// The teacher's reasoning.
    pub teacher_reasoning: String,
    /// One answer a student.
    pub students: Vec<StudentAnswer>,
}

/// What one student says of a pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StudentAnswer {
    /// Name of the student.
    pub system: String,
    /// Name of the predicted class.
    pub predicted: String,
    /// Its distribution over [`ReportData::class_names`].
    pub probabilities: Vec<f64>,
}
