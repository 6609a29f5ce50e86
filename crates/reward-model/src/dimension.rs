//! What a reward is made of.

use relevance_data::{Label, LabelSchema, Pair, Reply};

use crate::error::RewardError;

/// What a reply is judged against.
#[derive(Debug, Clone, Copy)]
pub struct RewardInput<'a> {
    /// The prompt as the teacher saw it; learned dimensions read it.
    pub prompt: &'a str,
    /// The query and the item.
    pub pair: &'a Pair,
    /// The gold label; without one, dimensions that need it are missing.
    pub gold: Option<Label>,
    /// The schema of the labels.
    pub schema: &'a LabelSchema,
}

/// One aspect of a reply's quality. Another one is a type of its own:
///
/// ```
/// use relevance_data::{Item, LabelSchema, Pair, Query, Reply, ReplyFormat};
/// use reward_model::{CompositeReward, RewardDimension, RewardError, RewardInput};
///
/// /// Whether the rationale asks nothing.
/// struct NoQuestion;
///
/// impl RewardDimension for NoQuestion {
///     fn name(&self) -> &str { "no_question" }
///     fn score(&self, reply: &Reply, _: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
///         Ok(Some(if reply.rationale.as_str().contains('?') { 0.0 } else { 1.0 }))
///     }
/// }
///
/// let reward = CompositeReward::gate(ReplyFormat::default()).with_dimension(Box::new(NoQuestion), 1.0)?;
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("q", "mug"), item: Item::new("i", "mug") };
/// let input = RewardInput { prompt: "", pair: &pair, gold: None, schema: &schema };
/// assert_eq!(reward.score("A mug?\n<label>Exact</label>", &input)?.reward, 0.0);
/// assert_eq!(reward.score("A mug.\n<label>Exact</label>", &input)?.reward, 1.0);
/// # Ok::<(), RewardError>(())
/// ```
pub trait RewardDimension: Send + Sync {
    /// The name, as in weights and reports.
    fn name(&self) -> &str;

    /// The score in [0, 1]; `None` if it cannot be told, for want of a gold label, say.
    ///
    /// Only replies that parse come here: the format is a gate, not a dimension.
    ///
    /// # Errors
    /// Whatever keeps a model from scoring; the programmatic dimensions have none.
    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError>;
}
