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

/// One aspect of a reply's quality.
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
