//! Whether the verdict is right.

use relevance_data::Reply;
use serde::{Deserialize, Serialize};

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::RewardError;

/// How far the verdict is from the gold label; missing without a gold label.
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
