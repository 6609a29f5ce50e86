//! Which file of a run each stage reads, and where its output goes.

use burn::tensor::Device;
use serde::Serialize;
use serde_json::Value;
use student_model::ObjectiveConfig;

use super::artifacts::{RewardHeadsFolder, StudentFolder};
use super::manifest::{Facts, Manifest};
use super::options::PipelineOptions;
use super::parts::Parts;
use super::run_folder::RunFolder;
use super::stage::Stage;
use super::stage_context::StageContext;
use super::stages::{
    Annotate, Annotator, Dpo, Evaluate, PairReplies, Pretrain, SampleReplies, Sft, StudentStart,
    TrainRewardHead, TrainStudent, TrainedRewardHead, WriteReport,
};
use super::student_config::Reasons;
use crate::error::DistillError;

/// A run, as its stages see it.
pub(super) struct Order<'a> {
    pub(super) options: &'a PipelineOptions,
    pub(super) device: &'a Device,
    pub(super) parts: &'a Parts,
    pub(super) folder: &'a RunFolder,
    pub(super) manifest: &'a Manifest,
}

impl Order<'_> {
    /// Runs a stage, and gives what it found.
    pub(super) fn run(&self, stage: Stage) -> Result<Facts, DistillError> {
        let config = &self.options.config;
        let (teacher, student) = (&config.teacher, &config.student);
        let context = &self.context(stage);
        match stage {
            Stage::Pretrain => facts(self.pretrain().run(teacher, context)?),
            Stage::Sft => facts(self.sft().run(teacher, context)?),
            Stage::Replies => facts(self.replies().run(teacher, context)?),
            Stage::RewardHeads => facts(self.reward_heads().run(teacher, context)?),
            Stage::Preferences => facts(self.preferences().run(teacher, context)?),
            Stage::Dpo => facts(self.dpo().run(teacher, context)?),
            Stage::Annotate => facts(self.annotate().run(teacher, context)?),
            Stage::StudentCe => facts(self.student_ce().run(student, context)?),
            Stage::StudentCrsd => facts(self.student_crsd().run(student, context)?),
            Stage::Evaluate => facts(self.evaluate().run(teacher, context)?),
            Stage::Report => facts(self.report().run()?),
        }
    }

    fn pretrain(&self) -> Pretrain<'_> {
        let log = self.parts.log.iter();
        Pretrain {
            labeled: &self.parts.teacher,
            items: log.map(|pair| &pair.pair.item).collect(),
            schema: &self.parts.schema,
            init: self.options.teacher_init.as_deref(),
            out: self.folder.pretrained_teacher(),
        }
    }

    fn sft(&self) -> Sft<'_> {
        Sft {
            teacher: self.folder.pretrained_teacher(),
            pairs: &self.parts.teacher,
            out: self.folder.tuned_teacher(),
        }
    }

    fn replies(&self) -> SampleReplies<'_> {
        SampleReplies {
            teacher: self.folder.tuned_teacher(),
            pairs: &self.parts.teacher,
            out: self.folder.replies(),
        }
    }

    fn reward_heads(&self) -> TrainRewardHead<'_> {
        TrainRewardHead {
            teacher: self.folder.tuned_teacher(),
            replies: self.folder.replies(),
            pairs: &self.parts.teacher,
            out: self.folder.reward_heads(),
        }
    }

    fn preferences(&self) -> PairReplies<'_> {
        PairReplies {
            replies: self.folder.replies(),
            head: self.usable_head(),
            pairs: &self.parts.teacher,
            schema: &self.parts.schema,
            out: self.folder.preferences(),
        }
    }

    /// The reward head, if it has shown that it is better than chance.
    fn usable_head(&self) -> Option<RewardHeadsFolder> {
        let found: TrainedRewardHead = self.manifest.output(Stage::RewardHeads)?;
        found.is_used().then(|| self.folder.reward_heads())
    }

    fn dpo(&self) -> Dpo {
        Dpo {
            teacher: self.folder.tuned_teacher(),
            preferences: self.folder.preferences(),
            out: self.folder.teacher(),
        }
    }

    fn annotate(&self) -> Annotate<'_> {
        Annotate {
            by: match self.options.config.student.reasons {
                Reasons::Teacher => Annotator::Teacher(self.folder.teacher()),
                Reasons::Writer => Annotator::Writer,
            },
            pairs: &self.parts.log,
            schema: &self.parts.schema,
            out: self.folder.annotations(),
        }
    }

    fn student_ce(&self) -> TrainStudent<'_> {
        self.student(ObjectiveConfig::CrossEntropy, self.folder.student_ce())
    }

    fn student_crsd(&self) -> TrainStudent<'_> {
        self.student(self.options.config.student.crsd(), self.folder.student())
    }

    fn student(&self, objective: ObjectiveConfig, out: StudentFolder) -> TrainStudent<'_> {
        let pairs = self.parts.teacher.iter().chain(&self.parts.log);
        let texts = pairs.flat_map(|pair| [pair.pair.query.text.clone(), pair.pair.item.text()]);
        TrainStudent {
            annotations: self.folder.annotations(),
            schema: &self.parts.schema,
            objective,
            start: match &self.options.student_init {
                Some(folder) => StudentStart::Folder(folder),
                None => StudentStart::Nothing(texts.collect()),
            },
            out,
        }
    }

    fn evaluate(&self) -> Evaluate<'_> {
        Evaluate {
            teacher: self.folder.teacher(),
            student_ce: self.folder.student_ce(),
            student_crsd: self.folder.student(),
            log: &self.parts.log,
            test: &self.parts.test,
            schema: &self.parts.schema,
            bootstrap_samples: self.options.config.bootstrap_samples,
            metrics: self.folder.metrics(),
            cases: self.folder.cases(),
        }
    }

    fn report(&self) -> WriteReport<'_> {
        WriteReport {
            folder: self.folder,
            manifest: self.manifest,
            command_line: &self.options.command_line,
            class_names: self.parts.schema.names(),
            out: self.folder.report(),
        }
    }

    fn context(&self, stage: Stage) -> StageContext {
        StageContext {
            stage,
            device: self.device.clone(),
            folder: self.folder.stage(stage),
            seed: self.options.config.seed,
            interrupt: self.options.interrupt.clone(),
        }
    }
}

/// What a stage found, by name.
fn facts(output: impl Serialize) -> Result<Facts, DistillError> {
    let value = serde_json::to_value(output);
    let value = value.map_err(|source| DistillError::Json {
        path: "manifest.json".into(),
        source,
    })?;
    Ok(match value {
        Value::Object(fields) => fields.into_iter().collect(),
        _ => Facts::new(),
    })
}
