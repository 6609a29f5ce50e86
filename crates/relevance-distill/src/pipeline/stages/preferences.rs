//! Stage 1.3: replies are scored, and better ones paired with worse ones.

use std::collections::BTreeMap;

use relevance_data::{LabelSchema, LabeledPair};
use reward_model::{CompositeReward, LearnedDimension, length_correlations};
use serde::Serialize;

use super::reward;
use crate::error::DistillError;
use crate::pipeline::artifacts::{PreferencesFile, RewardHeadsFolder};
use crate::pipeline::replies_file::RepliesFile;
use crate::pipeline::stage_context::StageContext;
use crate::pipeline::teacher_config::TeacherConfig;

/// Scores the sampled replies and builds preference pairs. The reward is the programmatic dimensions';
/// where the queries are not those that the reward head learned from, the head is a further dimension.
#[derive(Clone, Debug)]
pub struct PairReplies<'a> {
    /// The replies.
    pub replies: RepliesFile,
    /// The reward head; none if it is left out.
    pub head: Option<RewardHeadsFolder>,
    /// Pairs by whose reasons the consistency of replies is judged.
    pub pairs: &'a [LabeledPair],
    /// The labels.
    pub schema: &'a LabelSchema,
    /// Where the pairs go.
    pub out: PreferencesFile,
}

/// What it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// Prompts.
    pub prompts: usize,
    /// Prompts whose replies the reward head scored, too.
    pub prompts_with_head: usize,
    /// Replies.
    pub replies: usize,
    /// Replies that do not parse.
    pub malformed_replies: usize,
    /// Replies with the gold label.
    pub correct_replies: usize,
    /// Preference pairs.
    pub pairs: usize,
    /// Share of pairs whose rejected reply has a wrong label or does not parse.
    pub wrong_label_fraction: f64,
    /// Mean difference of the two rewards.
    pub mean_margin: f64,
    /// Pearson correlation of each dimension with the length of replies.
    #[serde(flatten)]
    pub length_correlations: BTreeMap<String, f64>,
}

impl PairReplies<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// An input cannot be read; a dimension's own error; [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Paired, DistillError> {
        let rows = self.replies.read(self.schema)?;
        let first_set = reward::FirstSet::new(context.seed)?;
        let by_programs = self.programmatic(config)?;
        let with_head = match &self.head {
            Some(head) => Some(self.with_head(head, config, context)?),
            None => None,
        };
        let mut prompts_with_head = 0;
        let mut scored = Vec::with_capacity(rows.len());
        for row in &rows {
            let reward = match &with_head {
                Some(with_head) if !first_set.holds(row) => {
                    prompts_with_head += 1;
                    with_head
                }
                _ => &by_programs,
            };
            scored.push(reward::score(row, reward, self.schema)?);
            context.check_interrupt()?;
        }
        let (pairs, report) = reward::pairs(&scored, &config.pair_config(context.seed))?;
        self.out.write(&pairs)?;
        let replies = scored.iter().flat_map(|prompt| &prompt.replies);
        let correlations = length_correlations(replies.map(|reply| &reply.score));
        let named = correlations.into_iter().filter_map(|found| {
            let name = format!("length correlation: {}", found.dimension);
            Some((name, found.pearson?))
        });
        Ok(Paired {
            prompts: report.prompts,
            prompts_with_head,
            replies: report.replies,
            malformed_replies: report.malformed_replies,
            correct_replies: report.correct_replies,
            pairs: pairs.len(),
            wrong_label_fraction: report.wrong_label_fraction,
            mean_margin: report.mean_margin,
            length_correlations: named.collect(),
        })
    }

    fn programmatic(&self, config: &TeacherConfig) -> Result<CompositeReward, DistillError> {
        let format = config.template(self.schema).format;
        reward::programmatic(self.pairs, self.schema, format)
    }

    fn with_head(
        &self,
        head: &RewardHeadsFolder,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<CompositeReward, DistillError> {
        let (heads, tokenizer) = head.load(&context.device)?;
        let format = config.template(self.schema).format;
        let limits = config.reward_train_config().limits();
        let learned = LearnedDimension::reward(heads, tokenizer, format, limits)?;
        let reward = self.programmatic(config)?;
        Ok(reward.with_dimension(Box::new(learned), config.learned_weight)?)
    }
}
