//! Stage 1.3: a head learns which replies are better, and shows whether it has.

use relevance_data::{LabeledPair, PreferencePair};
use reward_model::{
    CompositeReward, DimensionWeights, HeadsVerdict, HeldOutAccuracy, RewardHeads, train_pairwise,
};
use serde::{Deserialize, Serialize};
use teacher_train::Teacher;

use super::reward;
use crate::error::DistillError;
use crate::pipeline::artifacts::{RewardHeadsFolder, TeacherFolder};
use crate::pipeline::replies_file::{RepliesFile, SampledReplies};
use crate::pipeline::stage_context::{StageContext, TrainingFacts};
use crate::pipeline::teacher_config::TeacherConfig;

/// Trains a reward head over the fine-tuned teacher, which stays as it is, on preference pairs of half of
/// the queries; its accuracy is that on pairs of the other half. The pairs of both come of the programmatic
/// dimensions.
#[derive(Clone, Debug)]
pub struct TrainRewardHead<'a> {
    /// The fine-tuned teacher.
    pub teacher: TeacherFolder,
    /// Its replies.
    pub replies: RepliesFile,
    /// Pairs by whose reasons the consistency of replies is judged.
    pub pairs: &'a [LabeledPair],
    /// Where the head goes.
    pub out: RewardHeadsFolder,
}

/// What it found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainedRewardHead {
    /// The training run; none without pairs.
    #[serde(flatten)]
    pub training: Option<TrainingFacts>,
    /// Preference pairs that the head learned from.
    pub pairs: usize,
    /// How it orders preference pairs of other queries; none if there is no head, or no such pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutAccuracy>,
    /// Why pair building does not listen to the head; none if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl TrainedRewardHead {
    /// Whether pair building listens to the head: where it has shown that it is better than chance.
    pub fn is_used(&self) -> bool {
        let verdict = self.held_out.as_ref().map(HeldOutAccuracy::verdict);
        verdict == Some(HeadsVerdict::BetterThanChance)
    }
}

impl TrainRewardHead<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// An input cannot be read; whatever training reports; [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<TrainedRewardHead, DistillError> {
        if config.learned_weight == 0.0 {
            return Ok(left_out(
                "teacher.learned_weight is 0, so no reward head is trained",
            ));
        }
        let teacher = self.teacher.load(&context.device)?;
        let (first, second) = self.preferences(&teacher, config, context.seed)?;
        if first.is_empty() {
            return Ok(left_out(
                "there is no preference pair that a reward head could learn from",
            ));
        }
        let weights = DimensionWeights::new([("preference".to_owned(), 1.0)])?;
        let report = train_pairwise(
            RewardHeads::new(teacher.model, &weights, context.seed)?,
            &teacher.tokenizer,
            &first,
            &second,
            &config.reward_train_config(),
            context.trainer_options(),
        )?;
        let training = context.finished(&report.training)?;
        self.out.save(&report.training.model, &teacher.tokenizer)?;
        let found = TrainedRewardHead {
            training: Some(training),
            pairs: first.len(),
            held_out: report.held_out,
            warning: None,
        };
        if found.is_used() {
            return Ok(found);
        }
        let reason = match &found.held_out {
            Some(accuracy) => format!("{accuracy}, and are left out of pair building"),
            None => {
                "no preference pair was left to hold the reward head against; it is left out".into()
            }
        };
        Ok(TrainedRewardHead {
            warning: left_out(&reason).warning,
            ..found
        })
    }

    /// Better and worse replies by the programmatic dimensions: to the first set of queries, and to the
    /// second.
    fn preferences(
        &self,
        teacher: &Teacher,
        config: &TeacherConfig,
        seed: u64,
    ) -> Result<(Vec<PreferencePair>, Vec<PreferencePair>), DistillError> {
        let (schema, format) = (&teacher.schema, teacher.template.format);
        let by: CompositeReward = reward::programmatic(self.pairs, schema, format)?;
        let first_set = reward::FirstSet::new(seed)?;
        let rows = self.replies.read(schema)?;
        let (first, second): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| first_set.holds(row));
        let paired = |rows: &[SampledReplies]| {
            let scored = rows.iter().map(|row| reward::score(row, &by, schema));
            let scored = scored.collect::<Result<Vec<_>, _>>()?;
            let (pairs, _) = reward::pairs(&scored, &config.pair_config(seed))?;
            Ok::<_, DistillError>(pairs)
        };
        Ok((paired(&first)?, paired(&second)?))
    }
}

/// Says on stderr and in the manifest that there is no head, or that it is not used.
fn left_out(warning: &str) -> TrainedRewardHead {
    eprintln!("warning: {warning}");
    TrainedRewardHead {
        warning: Some(warning.to_owned()),
        ..TrainedRewardHead::default()
    }
}
