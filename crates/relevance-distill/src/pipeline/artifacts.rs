//! What stages hand on: folders and files with documented formats (docs/DATA.md), each with a type of
//! its own, so that a stage cannot be given another's.

use std::path::PathBuf;

use burn::tensor::Device;
use causal_lm::LmTokenizer;
use relevance_data::{
    AnnotatedPair, LabelSchema, PreferencePair, read_annotations, read_jsonl, write_annotations,
    write_jsonl,
};
use reward_model::RewardHeads;
use student_model::Student;
use teacher_train::Teacher;

use super::systems::Systems;
use crate::error::DistillError;
use crate::json_file::{read_json, write_json};
use crate::report::ExampleCase;

/// A teacher: decoder and tokenizer as a Hugging Face folder, and `teacher.json` with the prompt, the form
/// of the reply and the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeacherFolder(pub PathBuf);

impl TeacherFolder {
    /// The teacher, on `device`.
    ///
    /// # Errors
    ///
    /// A file is missing or is not a teacher's.
    pub fn load(&self, device: &Device) -> Result<Teacher, DistillError> {
        Ok(Teacher::from_dir(&self.0, device)?)
    }

    /// Writes the teacher.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn save(&self, teacher: &Teacher) -> Result<(), DistillError> {
        Ok(teacher.save_dir(&self.0)?)
    }
}

/// A reward head over a decoder: decoder and tokenizer as a Hugging Face folder, and beside them
/// `reward_heads.json` and `reward_heads.bpk`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewardHeadsFolder(pub PathBuf);

impl RewardHeadsFolder {
    /// The head, on `device`, and its tokenizer.
    ///
    /// # Errors
    ///
    /// A file is missing or is not a reward model's.
    pub fn load(&self, device: &Device) -> Result<(RewardHeads, LmTokenizer), DistillError> {
        let heads = RewardHeads::from_dir(&self.0, device)?;
        let tokenizer = LmTokenizer::from_dir(&self.0)?;
        Ok((heads, tokenizer))
    }

    /// Writes both.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn save(&self, heads: &RewardHeads, tokenizer: &LmTokenizer) -> Result<(), DistillError> {
        heads.save_dir(&self.0)?;
        Ok(tokenizer.save_dir(&self.0)?)
    }
}

/// A student and its tokenizer: a Hugging Face folder, with `relevance.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudentFolder(pub PathBuf);

impl StudentFolder {
    /// The student, on `device`.
    ///
    /// # Errors
    ///
    /// A file is missing or is not a student's.
    pub fn load(&self, device: &Device) -> Result<Student, DistillError> {
        Ok(Student::from_dir(&self.0, device)?)
    }
}

/// `preferences.jsonl`: preference pairs in TRL's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferencesFile(pub PathBuf);

impl PreferencesFile {
    /// Reads all pairs.
    ///
    /// # Errors
    ///
    /// The file is missing, or a line is broken.
    pub fn read(&self) -> Result<Vec<PreferencePair>, DistillError> {
        Ok(read_jsonl(&self.0)?)
    }

    /// Writes all pairs.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, pairs: &[PreferencePair]) -> Result<(), DistillError> {
        Ok(write_jsonl(&self.0, pairs)?)
    }
}

/// `annotations.jsonl`: pairs with label, reason and confidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationsFile(pub PathBuf);

impl AnnotationsFile {
    /// Reads all pairs.
    ///
    /// # Errors
    ///
    /// The file is missing; a line is broken or names a label that `schema` lacks.
    pub fn read(&self, schema: &LabelSchema) -> Result<Vec<AnnotatedPair>, DistillError> {
        Ok(read_annotations(&self.0, schema)?)
    }

    /// Writes all pairs.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, pairs: &[AnnotatedPair], schema: &LabelSchema) -> Result<(), DistillError> {
        Ok(write_annotations(&self.0, pairs, schema)?)
    }
}

/// `metrics.json`: the figures of every system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsFile(pub PathBuf);

impl MetricsFile {
    /// Reads the figures.
    ///
    /// # Errors
    ///
    /// The file is missing or broken.
    pub fn read(&self) -> Result<Systems, DistillError> {
        read_json(&self.0)
    }

    /// Writes the figures.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, systems: &Systems) -> Result<(), DistillError> {
        write_json(&self.0, systems)
    }
}

/// `cases.json`: some test pairs with every system's answer, for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasesFile(pub PathBuf);

impl CasesFile {
    /// Reads the cases.
    ///
    /// # Errors
    ///
    /// The file is missing or broken.
    pub fn read(&self) -> Result<Vec<ExampleCase>, DistillError> {
        read_json(&self.0)
    }

    /// Writes the cases.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, cases: &[ExampleCase]) -> Result<(), DistillError> {
        write_json(&self.0, cases)
    }
}
