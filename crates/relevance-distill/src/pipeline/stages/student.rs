//! Stage 2: a student learns from the annotations.

use std::path::Path;

use pair_tokenizer::PairTokenizer;
use relevance_data::LabelSchema;
use serde::Serialize;
use student_model::{
    BertForSequenceClassification, ObjectiveConfig, Student, StudentExample, train_student,
    train_wordpiece,
};

use crate::error::DistillError;
use crate::pipeline::artifacts::{AnnotationsFile, StudentFolder};
use crate::pipeline::stage_context::{StageContext, TrainingFacts};
use crate::pipeline::student_config::StudentConfig;
use crate::pretrained::pretrained;
use crate::student_examples::student_examples;

/// Trains a student by an objective. All students of a run start from the same weights and take the same
/// steps over the same batches.
#[derive(Clone, Debug)]
pub struct TrainStudent<'a> {
    /// What it learns from.
    pub annotations: AnnotationsFile,
    /// The labels.
    pub schema: &'a LabelSchema,
    /// What is minimised.
    pub objective: ObjectiveConfig,
    /// Where the student starts.
    pub start: StudentStart<'a>,
    /// Where it goes.
    pub out: StudentFolder,
}

/// Where a student starts.
#[derive(Clone, Debug)]
pub enum StudentStart<'a> {
    /// The encoder of a Hugging Face folder.
    Folder(&'a Path),
    /// Nothing; a vocabulary is learnt of these texts.
    Nothing(Vec<String>),
}

/// What it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainedStudent {
    /// The training run.
    #[serde(flatten)]
    pub training: TrainingFacts,
    /// Pairs that it learned from.
    pub examples: usize,
    /// Pairs that were left out: without a label of the wanted kind, or of whose reason nothing was left.
    pub pairs_without_reason: usize,
}

impl TrainStudent<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// An input cannot be read; [`DistillError::EmptyPart`] if no annotation has a reason and a label;
    /// whatever training reports; [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &StudentConfig,
        context: &StageContext,
    ) -> Result<TrainedStudent, DistillError> {
        let annotations = self.annotations.read(self.schema)?;
        let total = annotations.len();
        // Cross entropy does not read the reasons, but it shall learn from the same pairs.
        let examples: Vec<StudentExample> =
            student_examples(annotations, self.schema, config.labels);
        if examples.is_empty() {
            return Err(DistillError::EmptyPart {
                part: "student's",
                hint: format!("none of the {total} annotations has a reason and a label"),
            });
        }
        let (model, tokenizer) = self.initial(config, context)?;
        let training = config.train_config(self.objective.clone());
        let options = context.trainer_options();
        let report = train_student(model, &tokenizer, &examples, &training, options)?;
        let training = context.finished(&report)?;
        let student = Student::new(&report.model, tokenizer, &self.schema.gains())?;
        student.save_dir(&self.out.0)?;
        Ok(TrainedStudent {
            training,
            examples: examples.len(),
            pairs_without_reason: total - examples.len(),
        })
    }

    /// The student before training.
    fn initial(
        &self,
        config: &StudentConfig,
        context: &StageContext,
    ) -> Result<(BertForSequenceClassification, PairTokenizer), DistillError> {
        let (seed, device) = (context.seed, &context.device);
        let names = self.schema.names();
        match &self.start {
            StudentStart::Folder(folder) => {
                let layers = &config.layers;
                pretrained(folder, &names, config.lengths(), layers, seed, device)
            }
            StudentStart::Nothing(texts) => {
                let tokenizer = train_wordpiece(texts, config.vocab_size)?;
                let tokenizer = PairTokenizer::from_tokenizer(tokenizer, config.lengths())?;
                let encoder = config.encoder(tokenizer.id_bound(), &names);
                let model = encoder.init(seed, device)?;
                Ok((model, tokenizer))
            }
        }
    }
}
