//! Whether the reasoning leads to the verdict.

use relevance_data::Reply;

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::RewardError;
use crate::rationale_labeler::RationaleLabeler;

/// 1 if the label predicted from the rationale alone equals the stated verdict, else 0; missing
/// if the labeler cannot tell.
///
/// ```
/// use relevance_data::{Item, LabelSchema, Pair, Query, Rationale, Reply};
/// use reward_model::{BagOfWordsLabeler, Consistency, RewardDimension, RewardInput};
///
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("q", "red mug"), item: Item::new("i", "Blue mug") };
/// let input = RewardInput { prompt: "", pair: &pair, gold: Some(schema.parse("E")?), schema: &schema };
/// let reply = |text| Reply { rationale: Rationale::new(text), verdict: schema.parse("Exact").unwrap() };
/// let (exact, irrelevant) = (schema.parse("Exact")?, schema.parse("Irrelevant")?);
/// let known = [(Rationale::new("all wishes met"), exact), (Rationale::new("none met"), irrelevant)];
/// let consistency = Consistency::new(BagOfWordsLabeler::fit(&known, &schema)?);
/// let score = |text| consistency.score(&reply(text), &input).unwrap();
/// assert_eq!(score("all wishes"), Some(1.0)); // the replies say Exact
/// assert_eq!(score("none"), Some(0.0));
/// assert_eq!(score("hm"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
