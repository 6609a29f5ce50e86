//! How much each dimension counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{RewardError, check};

/// A weight for each dimension, by name.
///
/// ```
/// let weights = reward_model::DimensionWeights::default();
/// assert_eq!(weights.get("correctness"), Some(0.40));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DimensionWeights(BTreeMap<String, f64>);

impl Default for DimensionWeights {
    /// Correctness 0.40, consistency 0.20, grounding 0.15, rule adherence 0.15, conciseness 0.10.
    fn default() -> Self {
        let weights = [
            ("correctness", 0.40),
            ("consistency", 0.20),
            ("grounding", 0.15),
            ("rule_adherence", 0.15),
            ("conciseness", 0.10),
        ];
        Self(
            weights
                .map(|(name, weight)| (name.to_owned(), weight))
                .into(),
        )
    }
}

impl DimensionWeights {
    /// These weights; they need not sum to 1.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] if a weight is negative or not finite, or all are 0.
    pub fn new(weights: impl IntoIterator<Item = (String, f64)>) -> Result<Self, RewardError> {
        let weights = Self(weights.into_iter().collect());
        weights.validate().map(|()| weights)
    }

    /// Checks the weights, which may come from a file.
    ///
    /// # Errors
    /// As [`DimensionWeights::new`].
    pub fn validate(&self) -> Result<(), RewardError> {
        let at_least_0 = |w: f64| w.is_finite() && w >= 0.0;
        for (name, &weight) in &self.0 {
            check(format!("weights.{name}"), weight, at_least_0, "at least 0")?;
        }
        check(
            "weights",
            self.0.values().sum(),
            |sum| sum > 0.0,
            "above 0 in sum",
        )
    }

    /// The weight of a dimension.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// Names and weights, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, &weight)| (name.as_str(), weight))
    }
}
