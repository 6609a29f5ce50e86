//! Stage 1.2: the teacher learns to reason and to judge.

use relevance_data::{LabelSchema, LabeledPair, RationaleWriter};
use serde::Serialize;
use teacher_train::{sft, sft_examples};

use crate::error::DistillError;
use crate::pipeline::artifacts::TeacherFolder;
use crate::pipeline::stage_context::{StageContext, TrainingFacts};
use crate::pipeline::teacher_config::TeacherConfig;

/// Supervised fine-tuning on prompt, reason and label; the reasons are the deterministic writer's.
#[derive(Clone, Debug)]
pub struct Sft<'a> {
    /// The pre-trained teacher.
    pub teacher: TeacherFolder,
    /// What it learns from.
    pub pairs: &'a [LabeledPair],
    /// The labels.
    pub schema: &'a LabelSchema,
    /// Where the teacher goes.
    pub out: TeacherFolder,
}

/// What it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuned {
    /// The training run.
    #[serde(flatten)]
    pub training: TrainingFacts,
    /// Prompts with replies.
    pub examples: usize,
}

impl Sft<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// The teacher cannot be read; a reply leaves no room for its query; whatever training reports;
    /// [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Tuned, DistillError> {
        let (model, tokenizer) = self.teacher.load(&context.device)?;
        let writer = RationaleWriter::new(self.schema.clone());
        let explained = self.pairs.iter().map(|pair| (pair, writer.write(pair)));
        let template = config.template(self.schema);
        let examples = sft_examples(
            explained,
            &template,
            self.schema,
            &tokenizer,
            config.max_length,
        )?;
        let options = context.trainer_options();
        let report = sft(model, &tokenizer, &examples, &config.sft_config(), options)?;
        let training = context.finished(&report)?;
        self.out.save(&report.model, &tokenizer)?;
        Ok(Tuned {
            training,
            examples: examples.len(),
        })
    }
}
