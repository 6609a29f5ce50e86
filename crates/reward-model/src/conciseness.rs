//! Whether a rationale has a fit length.

use relevance_data::Reply;
use serde::{Deserialize, Serialize};

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::{RewardError, check};

/// 1 within a band of lengths, falling in a straight line to 0 outside of it. Lengths are in
/// characters, which every script has.
///
/// With `n` characters: `min(n / min_length, 1)` below the band, `max(1 − (n − max_length) / slack, 0)`
/// above it.
///
/// ```
/// use relevance_data::{Item, LabelSchema, Pair, Query, Rationale, Reply};
/// use reward_model::{Conciseness, RewardDimension, RewardInput};
///
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("q", "red mug"), item: Item::new("i", "Blue mug") };
/// let input = RewardInput { prompt: "", pair: &pair, gold: Some(schema.parse("E")?), schema: &schema };
/// let reply = |text| Reply { rationale: Rationale::new(text), verdict: schema.parse("Exact").unwrap() };
/// let band = Conciseness { min_length: 4, max_length: 8, slack: 8 };
/// let score = |text| band.score(&reply(text), &input).unwrap();
/// assert_eq!(["ab", "abcdef", "abcdefghijkl"].map(score), [Some(0.5), Some(1.0), Some(0.5)]);
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conciseness {
    /// Shortest length with score 1, in characters; below it the score falls to 0 at length 0.
    /// Default 100.
    pub min_length: usize,
    /// Longest length with score 1, in characters. Default 700.
    pub max_length: usize,
    /// Characters above `max_length` at which the score has fallen to 0. Default 700.
    pub slack: usize,
}

impl Default for Conciseness {
    fn default() -> Self {
        Self {
            min_length: 100,
            max_length: 700,
            slack: 700,
        }
    }
}

impl Conciseness {
    /// Checks the band.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] if `max_length` is below `min_length` or `slack` is 0.
    pub fn validate(&self) -> Result<(), RewardError> {
        let least = self.min_length as f64;
        check(
            "max_length",
            self.max_length as f64,
            |v| v >= least,
            "at least `min_length`",
        )?;
        check("slack", self.slack as f64, |v| v >= 1.0, "at least 1")
    }
}

impl RewardDimension for Conciseness {
    fn name(&self) -> &str {
        "conciseness"
    }

    fn score(&self, reply: &Reply, _: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let length = reply.rationale.as_str().chars().count();
        Ok(Some(if length < self.min_length {
            length as f64 / self.min_length as f64
        } else {
            let surplus = length.saturating_sub(self.max_length);
            (1.0 - surplus as f64 / self.slack.max(1) as f64).max(0.0)
        }))
    }
}
