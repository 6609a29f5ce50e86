//! What replies are scored by, and the two sets that they are dealt into.

use relevance_data::{
    LabelSchema, LabeledPair, PreferencePair, QuerySplit, RationaleWriter, ReplyFormat,
};
use reward_model::{
    BagOfWordsLabeler, CompositeReward, DimensionWeights, PairBuilderConfig, PairReport,
    RewardInput, ScoredPrompt, ScoredReply, build_pairs,
};

use crate::error::DistillError;
use crate::pipeline::replies_file::SampledReplies;

/// The programmatic dimensions. Consistency is judged by a bag of words that is fitted to the
/// deterministic writer's reasons for `pairs`.
pub(super) fn programmatic(
    pairs: &[LabeledPair],
    schema: &LabelSchema,
    format: ReplyFormat,
) -> Result<CompositeReward, DistillError> {
    let writer = RationaleWriter::new(schema.clone());
    let explained = pairs.iter().map(|pair| (writer.write(pair), pair.label));
    let labeler = BagOfWordsLabeler::fit(&explained.collect::<Vec<_>>(), schema)?;
    let weights = DimensionWeights::default();
    Ok(CompositeReward::programmatic(format, labeler, &weights)?)
}

/// The replies to one prompt, each with its reward.
pub(super) fn score(
    row: &SampledReplies,
    reward: &CompositeReward,
    schema: &LabelSchema,
) -> Result<ScoredPrompt, DistillError> {
    let input = RewardInput {
        prompt: &row.prompt,
        pair: &row.pair.pair,
        gold: Some(row.pair.label),
        schema,
    };
    let scored = row.replies.iter().map(|text| {
        let score = reward.score(text, &input)?;
        let text = text.clone();
        Ok(ScoredReply { text, score })
    });
    Ok(ScoredPrompt {
        prompt: row.prompt.clone(),
        gold: row.pair.label,
        replies: scored.collect::<Result<_, DistillError>>()?,
    })
}

/// Better replies with worse ones. A rejected reply without a single word says nothing to learn from
/// and is left out.
pub(super) fn pairs(
    scored: &[ScoredPrompt],
    config: &PairBuilderConfig,
) -> Result<(Vec<PreferencePair>, PairReport), DistillError> {
    let (mut pairs, report) = build_pairs(scored, config)?;
    pairs.retain(|pair| !pair.rejected.trim().is_empty());
    Ok((pairs, report))
}

/// Which replies the reward head learns from: those of half of the queries. It is held against the
/// others, and only those it scores. No normalised query stands in both sets.
pub(super) struct FirstSet(QuerySplit);

impl FirstSet {
    pub(super) fn new(seed: u64) -> Result<Self, DistillError> {
        // Another seed than the one that parted teacher and log: all pairs here lie on one side of that
        // hash.
        let split = QuerySplit::new(vec![0.5, 0.5], seed.wrapping_add(1))?;
        Ok(Self(split))
    }

    pub(super) fn holds(&self, row: &SampledReplies) -> bool {
        self.0.part(&row.pair.pair.query) == 0
    }
}
