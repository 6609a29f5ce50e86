//! Stage 1.3: the teacher learns which replies are better.

use std::collections::BTreeMap;

use preference_opt::train_dpo;
use serde::Serialize;

use crate::error::DistillError;
use crate::pipeline::artifacts::{PreferencesFile, TeacherFolder};
use crate::pipeline::stage_context::{StageContext, TrainingFacts};
use crate::pipeline::teacher_config::TeacherConfig;

/// Direct preference optimisation. Without a pair the fine-tuned teacher stays as it is.
#[derive(Clone, Debug)]
pub struct Dpo {
    /// The fine-tuned teacher, which is the reference, too.
    pub teacher: TeacherFolder,
    /// The pairs.
    pub preferences: PreferencesFile,
    /// Where the teacher goes.
    pub out: TeacherFolder,
}

/// What it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preferred {
    /// The training run; none without pairs.
    #[serde(flatten)]
    pub training: Option<TrainingFacts>,
    /// Preference pairs.
    pub pairs: usize,
    /// Why there was no training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// TRL's `rewards/margins` and `rewards/accuracies` of the last logged steps.
    #[serde(flatten)]
    pub rewards: BTreeMap<String, f64>,
}

impl Dpo {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// An input cannot be read; whatever training reports; [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Preferred, DistillError> {
        let mut teacher = self.teacher.load(&context.device)?;
        let pairs = self.preferences.read()?;
        if pairs.is_empty() {
            self.out.save(&teacher)?;
            let note = "no preference pair was found; the fine-tuned teacher is kept";
            return Ok(Preferred {
                training: None,
                pairs: 0,
                note: Some(note.into()),
                rewards: BTreeMap::new(),
            });
        }
        let report = train_dpo(
            teacher.model,
            &teacher.tokenizer,
            &pairs,
            &config.dpo_config(),
            context.trainer_options(),
        )?;
        let training = context.finished(&report)?;
        let rewards = ["rewards/margins", "rewards/accuracies"].into_iter();
        let rewards = rewards.filter_map(|name| {
            let value = report.log_history.last()?.metrics.get(name)?;
            Some((name.to_owned(), *value))
        });
        let rewards = rewards.collect();
        teacher.model = report.model;
        self.out.save(&teacher)?;
        Ok(Preferred {
            training: Some(training),
            pairs: pairs.len(),
            note: None,
            rewards,
        })
    }
}
