//! Stage 1.3: a head learns which replies are better, and shows whether it has.

use causal_lm::LmTokenizer;
use relevance_data::{LabelSchema, LabeledPair, PreferencePair};
use reward_model::{DimensionWeights, LengthLimits, RewardHeads, train_pairwise};
use serde::{Deserialize, Serialize};

use super::above_chance::coin_p_value;
use super::learned_preference::LEARNED;
use super::reward;
use crate::error::DistillError;
use crate::pipeline::artifacts::{RewardHeadsFolder, TeacherFolder};
use crate::pipeline::replies_file::{RepliesFile, SampledReplies};
use crate::pipeline::stage_context::{StageContext, TrainingFacts};
use crate::pipeline::teacher_config::TeacherConfig;

/// A head whose accuracy a coin would reach with this probability has not shown that it learned.
const SIGNIFICANCE: f64 = 0.05;

/// Trains a reward head over the fine-tuned teacher, which stays as it is, on preference pairs of the
/// first half of the replies' queries; its accuracy is that on pairs of the other half. The pairs of both
/// come of the programmatic dimensions.
#[derive(Clone, Debug)]
pub struct TrainRewardHead<'a> {
    /// The fine-tuned teacher.
    pub teacher: TeacherFolder,
    /// Its replies.
    pub replies: RepliesFile,
    /// Pairs by whose reasons the consistency of replies is judged.
    pub pairs: &'a [LabeledPair],
    /// The labels.
    pub schema: &'a LabelSchema,
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
    /// Preference pairs of other queries that it was held against.
    pub held_out_pairs: usize,
    /// Share of these in which it gives the better reply the higher reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_accuracy: Option<f64>,
    /// With which probability a coin would be right as often, or more often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_p_value: Option<f64>,
    /// The head's mean over the replies that it learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_reward: Option<f64>,
    /// Whether the accuracy is above chance, so that pair building may listen to the head.
    pub above_chance: bool,
    /// Why pair building does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
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
            let warning = "teacher.learned_weight is 0, so no reward head is trained";
            return Ok(left_out(TrainedRewardHead::default(), warning.into()));
        }
        let rows = self.replies.read(self.schema)?;
        let first_set = reward::FirstSet::new(context.seed)?;
        let (first, second): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| first_set.holds(row));
        let learned = self.preferences(&first, config, context.seed)?;
        let held_out = self.preferences(&second, config, context.seed)?;
        let counts = TrainedRewardHead {
            pairs: learned.len(),
            held_out_pairs: held_out.len(),
            ..TrainedRewardHead::default()
        };
        if learned.is_empty() || held_out.is_empty() {
            let warning = "no preference pair was found to learn from, or none to be held against; \
                           there is no reward head";
            return Ok(left_out(counts, warning.into()));
        }
        let (model, tokenizer) = self.teacher.load(&context.device)?;
        let weights = DimensionWeights::new([(LEARNED.to_owned(), 1.0)])?;
        let report = train_pairwise(
            RewardHeads::new(model, &weights, context.seed)?,
            &tokenizer,
            &learned,
            &config.reward_train_config(),
            context.trainer_options(),
        )?;
        let training = Some(context.finished(&report)?);
        self.out.save(&report.model, &tokenizer)?;

        let limits = config.reward_limits();
        let hits = hits(&report.model, &tokenizer, &held_out, &limits)?;
        let accuracy = hits as f64 / held_out.len() as f64;
        let p_value = coin_p_value(hits, held_out.len());
        let found = TrainedRewardHead {
            training,
            held_out_accuracy: Some(accuracy),
            held_out_p_value: Some(p_value),
            mean_reward: mean_reward(&report.model, &tokenizer, &first, &limits)?,
            above_chance: p_value < SIGNIFICANCE,
            ..counts
        };
        if found.above_chance {
            return Ok(found);
        }
        let warning = format!(
            "the reward head is right in {hits} of {} pairs that it has not seen, which a coin is with \
             probability {p_value:.2}: pair building leaves it out",
            held_out.len()
        );
        Ok(left_out(found, warning))
    }

    /// Better and worse replies, by the programmatic dimensions.
    fn preferences(
        &self,
        rows: &[SampledReplies],
        config: &TeacherConfig,
        seed: u64,
    ) -> Result<Vec<PreferencePair>, DistillError> {
        let format = config.template(self.schema).format;
        let by = reward::programmatic(self.pairs, self.schema, format)?;
        let scored = rows.iter().map(|row| reward::score(row, &by, self.schema));
        let scored = scored.collect::<Result<Vec<_>, _>>()?;
        Ok(reward::pairs(&scored, &config.pair_config(seed))?.0)
    }
}

/// Says on stderr and in the manifest that the head is not used.
fn left_out(found: TrainedRewardHead, warning: String) -> TrainedRewardHead {
    eprintln!("warning: {warning}");
    TrainedRewardHead {
        warning: Some(warning),
        ..found
    }
}

/// In how many pairs the better reply has the higher reward; equal rewards are none.
fn hits(
    heads: &RewardHeads,
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    limits: &LengthLimits,
) -> Result<usize, DistillError> {
    let replies = pairs.iter().flat_map(|pair| {
        let prompt = pair.prompt.as_str();
        [
            (prompt, pair.chosen.as_str()),
            (prompt, pair.rejected.as_str()),
        ]
    });
    let rewards = heads.score(tokenizer, &replies.collect::<Vec<_>>(), limits)?;
    let right = |pair: &&[Vec<f32>]| pair[0][0] > pair[1][0];
    Ok(rewards.chunks_exact(2).filter(right).count())
}

/// The head's mean over all replies that say anything.
fn mean_reward(
    heads: &RewardHeads,
    tokenizer: &LmTokenizer,
    rows: &[SampledReplies],
    limits: &LengthLimits,
) -> Result<Option<f64>, DistillError> {
    let replies = rows.iter().flat_map(|row| {
        let said = row.replies.iter().filter(|reply| !reply.trim().is_empty());
        said.map(|reply| (row.prompt.as_str(), reply.as_str()))
    });
    let rewards = heads.score(tokenizer, &replies.collect::<Vec<_>>(), limits)?;
    let sum: f64 = rewards.iter().map(|reward| f64::from(reward[0])).sum();
    Ok((!rewards.is_empty()).then(|| sum / rewards.len() as f64))
}
