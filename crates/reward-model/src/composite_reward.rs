//! One reward out of several dimensions.

use relevance_data::{Label, ReplyFormat};

use crate::conciseness::Conciseness;
use crate::consistency::Consistency;
use crate::correctness::Correctness;
use crate::dimension::{RewardDimension, RewardInput};
use crate::error::{RewardError, check};
use crate::grounding::Grounding;
use crate::rationale_labeler::RationaleLabeler;
use crate::rule_adherence::RuleAdherence;
use crate::weights::DimensionWeights;

/// `R = 1[format] · Σ_d w_d r_d`: dimensions in [0, 1], weighted, behind the format gate.
///
/// Where a dimension is missing (no gold label, say) the weights of the others are scaled up to
/// sum to 1, so that R stays in [0, 1] and replies to one prompt, which miss the same dimensions,
/// stay comparable. With no dimension left R is 0.
pub struct CompositeReward {
    format: ReplyFormat,
    dimensions: Vec<(Box<dyn RewardDimension>, f64)>,
}

/// A reply's reward and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardScore {
    /// R, in [0, 1].
    pub reward: f64,
    /// The verdict; `None` if the reply does not parse.
    pub verdict: Option<Label>,
    /// Why the reply does not parse.
    pub format_error: Option<String>,
    /// The dimensions in their order; none if the reply does not parse.
    pub dimensions: Vec<DimensionScore>,
    /// Characters of the reply.
    pub length: usize,
}

/// One dimension of a reply's reward.
#[derive(Debug, Clone, PartialEq)]
pub struct DimensionScore {
    /// The dimension's name.
    pub name: String,
    /// The score in [0, 1]; `None` if it is missing.
    pub score: Option<f64>,
    /// The weight as configured, before missing dimensions are made up for.
    pub weight: f64,
}

impl RewardScore {
    /// The score of a dimension, if it is present.
    pub fn dimension(&self, name: &str) -> Option<f64> {
        self.dimensions.iter().find(|d| d.name == name)?.score
    }
}

impl std::fmt::Debug for CompositeReward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dimensions = self.dimensions.iter().map(|(d, weight)| (d.name(), weight));
        f.debug_struct("CompositeReward")
            .field("format", &self.format)
            .field("dimensions", &dimensions.collect::<Vec<_>>())
            .finish()
    }
}

impl CompositeReward {
    /// A reward that is only a gate: 0 for every reply, until a dimension is added.
    pub fn gate(format: ReplyFormat) -> Self {
        Self {
            format,
            dimensions: Vec::new(),
        }
    }

    /// The programmatic dimensions, each in its default form: [`Correctness`], [`Consistency`] by
    /// `labeler`, [`Grounding`], [`RuleAdherence`] and [`Conciseness`]. A dimension without a
    /// weight is left out.
    ///
    /// # Errors
    /// [`RewardError::UnknownDimension`] for a weight of something else, [`RewardError::InvalidConfig`]
    /// for a weight out of range.
    pub fn programmatic(
        format: ReplyFormat,
        labeler: impl RationaleLabeler + 'static,
        weights: &DimensionWeights,
    ) -> Result<Self, RewardError> {
        let all: [Box<dyn RewardDimension>; 5] = [
            Box::new(Correctness::default()),
            Box::new(Consistency::new(labeler)),
            Box::new(Grounding),
            Box::new(RuleAdherence::default()),
            Box::new(Conciseness::default()),
        ];
        Self::weighted(format, all, weights)
    }

    /// These dimensions; one without a weight is left out.
    ///
    /// # Errors
    /// As [`CompositeReward::programmatic`], and [`RewardError::DuplicateDimension`].
    pub fn weighted(
        format: ReplyFormat,
        dimensions: impl IntoIterator<Item = Box<dyn RewardDimension>>,
        weights: &DimensionWeights,
    ) -> Result<Self, RewardError> {
        weights.validate()?;
        let dimensions: Vec<_> = dimensions.into_iter().collect();
        let names: Vec<String> = dimensions.iter().map(|d| d.name().to_owned()).collect();
        if let Some((name, _)) = weights
            .iter()
            .find(|(name, _)| names.iter().all(|n| n != name))
        {
            return Err(RewardError::UnknownDimension {
                name: name.to_owned(),
                allowed: names,
            });
        }
        dimensions
            .into_iter()
            .try_fold(Self::gate(format), |reward, dimension| {
                match weights.get(dimension.name()) {
                    Some(weight) => reward.with_dimension(dimension, weight),
                    None => Ok(reward),
                }
            })
    }

    /// Adds a dimension.
    ///
    /// # Errors
    /// [`RewardError::DuplicateDimension`] if its name is taken, [`RewardError::InvalidConfig`] if the
    /// weight is negative or not finite.
    pub fn with_dimension(
        mut self,
        dimension: Box<dyn RewardDimension>,
        weight: f64,
    ) -> Result<Self, RewardError> {
        let name = dimension.name();
        if self.dimensions.iter().any(|(d, _)| d.name() == name) {
            return Err(RewardError::DuplicateDimension {
                name: name.to_owned(),
            });
        }
        let at_least_0 = |w: f64| w.is_finite() && w >= 0.0;
        check(format!("weights.{name}"), weight, at_least_0, "at least 0")?;
        self.dimensions.push((dimension, weight));
        Ok(self)
    }

    /// The reward of a reply's text.
    ///
    /// # Errors
    /// A dimension's own error, or [`RewardError::ScoreRange`] if it leaves [0, 1].
    pub fn score(&self, text: &str, input: &RewardInput<'_>) -> Result<RewardScore, RewardError> {
        let mut score = RewardScore {
            reward: 0.0,
            verdict: None,
            format_error: None,
            dimensions: Vec::new(),
            length: text.chars().count(),
        };
        let reply = match self.format.parse(text, input.schema) {
            Ok(reply) => reply,
            Err(error) => {
                score.format_error = Some(error.to_string());
                return Ok(score);
            }
        };
        score.verdict = Some(reply.verdict);
        for (dimension, weight) in &self.dimensions {
            let name = dimension.name().to_owned();
            let value = dimension.score(&reply, input)?;
            if let Some(score) = value.filter(|v| !(0.0..=1.0).contains(v)) {
                return Err(RewardError::ScoreRange { name, score });
            }
            score.dimensions.push(DimensionScore {
                name,
                score: value,
                weight: *weight,
            });
        }
        score.reward = weighted_mean(&score.dimensions);
        Ok(score)
    }

    /// Names and weights of the dimensions, in order.
    pub fn dimensions(&self) -> impl Iterator<Item = (&str, f64)> {
        self.dimensions
            .iter()
            .map(|(d, weight)| (d.name(), *weight))
    }
}

/// The mean over the dimensions that are present; 0 if none is.
fn weighted_mean(dimensions: &[DimensionScore]) -> f64 {
    let present = || dimensions.iter().filter_map(|d| Some((d.score?, d.weight)));
    let total: f64 = present().map(|(_, weight)| weight).sum();
    if total > 0.0 {
        present().map(|(score, weight)| score * weight).sum::<f64>() / total
    } else {
        0.0
    }
}
