//! Stage 1.2: the teacher learns to reason and to judge.

use relevance_data::{LabeledPair, RationaleWriter};
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
        let mut teacher = self.teacher.load(&context.device)?;
        let writer = RationaleWriter::new(teacher.schema.clone());
        let explained = self.pairs.iter().map(|pair| (pair, writer.write(pair)));
        let examples = sft_examples(
            explained,
            &teacher.template,
            &teacher.schema,
            &teacher.tokenizer,
            config.max_length,
        )?;
        let report = sft(
            teacher.model,
            &teacher.tokenizer,
            &examples,
            &config.sft_config(),
            context.trainer_options(),
        )?;
        let training = context.finished(&report)?;
        teacher.model = report.model;
        self.out.save(&teacher)?;
        Ok(Tuned {
            training,
            examples: examples.len(),
        })
    }
}
