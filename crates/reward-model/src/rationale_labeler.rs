//! Reading a label off a rationale.

use relevance_data::{ClassPrior, Label, LabelSchema, NaiveBayes, Rationale, normalize_query};

use crate::error::RewardError;

/// Predicts the label that a rationale argues for, from the rationale alone.
pub trait RationaleLabeler: Send + Sync {
    /// The label; `None` if the rationale says nothing that the labeler knows.
    ///
    /// # Errors
    /// Whatever keeps a model from predicting.
    fn label(&self, rationale: &Rationale) -> Result<Option<Label>, RewardError>;
}

/// [`NaiveBayes`] over the words of a rationale, with a smoothed prior, so that a label without a
/// rationale stays possible.
///
/// ```
/// use relevance_data::{LabelSchema, Rationale};
/// use reward_model::{BagOfWordsLabeler, RationaleLabeler};
///
/// let schema = LabelSchema::binary();
/// let (yes, no) = (schema.parse("1")?, schema.parse("0")?);
/// let fits = Rationale::new("The brand and the size agree.");
/// let fails = Rationale::new("Another brand is offered.");
/// let labeler = BagOfWordsLabeler::fit(&[(fits, yes), (fails, no)], &schema).unwrap();
/// assert_eq!(labeler.label(&Rationale::new("The size agrees.")).unwrap(), Some(yes));
/// assert_eq!(labeler.label(&Rationale::new("Unheard.")).unwrap(), None);
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BagOfWordsLabeler(NaiveBayes);

impl BagOfWordsLabeler {
    /// Fits the labeler on rationales and the labels they were written for.
    ///
    /// # Errors
    /// [`RewardError::NoExamples`] if there is no rationale; [`RewardError::Data`] for a label of
    /// another schema.
    pub fn fit(examples: &[(Rationale, Label)], schema: &LabelSchema) -> Result<Self, RewardError> {
        if examples.is_empty() {
            return Err(RewardError::NoExamples {
                what: "rationale",
                to: "the rationale labeler",
            });
        }
        let texts: Vec<(String, Label)> = examples
            .iter()
            .map(|(rationale, label)| (folded(rationale), *label))
            .collect();
        Ok(Self(NaiveBayes::fit(&texts, schema, ClassPrior::Smoothed)?))
    }

    /// The share of rationales whose label is predicted.
    pub fn accuracy(&self, examples: &[(Rationale, Label)]) -> f64 {
        let right =
            |(rationale, label): &&(Rationale, Label)| self.predict(rationale) == Some(*label);
        examples.iter().filter(right).count() as f64 / examples.len().max(1) as f64
    }

    fn predict(&self, rationale: &Rationale) -> Option<Label> {
        let text = folded(rationale);
        self.0.knows_a_word_of(&text).then(|| self.0.predict(&text))
    }
}

impl RationaleLabeler for BagOfWordsLabeler {
    fn label(&self, rationale: &Rationale) -> Result<Option<Label>, RewardError> {
        Ok(self.predict(rationale))
    }
}

/// Widths and compatibility forms of letters are folded, too: a teacher may write either.
fn folded(rationale: &Rationale) -> String {
    normalize_query(rationale.as_str())
}
