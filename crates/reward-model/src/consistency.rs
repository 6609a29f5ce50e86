//! Whether the reasoning leads to the verdict.

use relevance_data::Reply;

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::RewardError;
use crate::rationale_labeler::RationaleLabeler;

/// 1 if the label predicted from the rationale alone equals the stated verdict, else 0; missing
/// if the labeler cannot tell.
#[derive(Debug, Clone)]
pub struct Consistency<L> {
    labeler: L,
}

impl<L: RationaleLabeler> Consistency<L> {
    /// Consistency as this labeler sees it.
    pub fn new(labeler: L) -> Self {
        Self { labeler }
    }
}

impl<L: RationaleLabeler> RewardDimension for Consistency<L> {
    fn name(&self) -> &str {
        "consistency"
    }

    fn score(&self, reply: &Reply, _: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let predicted = self.labeler.label(&reply.rationale)?;
        Ok(predicted.map(|label| f64::from(u8::from(label == reply.verdict))))
    }
}
