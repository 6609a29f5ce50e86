//! Whether the verdict is right.

use relevance_data::Reply;
use serde::{Deserialize, Serialize};

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::RewardError;

/// How far the verdict is from the gold label; missing without a gold label.
///
/// ```
/// use relevance_data::{Item, LabelSchema, Pair, Query, Rationale, Reply};
/// use reward_model::{Correctness, RewardDimension, RewardInput};
///
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("q", "red mug"), item: Item::new("i", "Blue mug") };
/// let input = RewardInput { prompt: "", pair: &pair, gold: Some(schema.parse("S")?), schema: &schema };
/// let reply = |text| Reply { rationale: Rationale::new(text), verdict: schema.parse("Exact").unwrap() };
/// // Exact where Substitute is right: one class of four off.
/// assert_eq!(Correctness::Ordinal.score(&reply("…"), &input).unwrap(), Some(1.0 - 1.0 / 3.0));
/// assert_eq!(Correctness::Exact.score(&reply("…"), &input).unwrap(), Some(0.0));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Correctness {
    /// `1 − |ŷ − y| / (K − 1)`, the classes being ordered.
    #[default]
    Ordinal,
    /// 1 if equal, else 0.
    Exact,
}

impl RewardDimension for Correctness {
    fn name(&self) -> &str {
        "correctness"
    }

    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let Some(gold) = input.gold else {
            return Ok(None);
        };
        let distance = reply.verdict.index().abs_diff(gold.index()) as f64;
        Ok(Some(match self {
            Self::Ordinal => 1.0 - distance / (input.schema.len() - 1) as f64,
            Self::Exact => f64::from(u8::from(distance == 0.0)),
        }))
    }
}
