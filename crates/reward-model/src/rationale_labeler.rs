//! Reading a label off a rationale.

use std::collections::{BTreeSet, HashMap};

use relevance_data::{Label, LabelSchema, Rationale, normalize_query};

use crate::error::RewardError;

/// Predicts the label that a rationale argues for, from the rationale alone.
pub trait RationaleLabeler: Send + Sync {
    /// The label; `None` if the rationale says nothing that the labeler knows.
    ///
    /// # Errors
    /// Whatever keeps a model from predicting.
    fn label(&self, rationale: &Rationale) -> Result<Option<Label>, RewardError>;
}

/// Multinomial naive Bayes over the words of a rationale, each counted once, with add-one
/// smoothing: closed form, deterministic.
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
pub struct BagOfWordsLabeler {
    labels: Vec<Label>,
    /// Log prior of each class.
    priors: Vec<f64>,
    /// Log likelihood of each known word under each class.
    words: HashMap<String, Vec<f64>>,
}

impl BagOfWordsLabeler {
    /// Fits the labeler on rationales and the labels they were written for.
    ///
    /// # Errors
    /// [`RewardError::NoExamples`] if there is no rationale.
    pub fn fit(examples: &[(Rationale, Label)], schema: &LabelSchema) -> Result<Self, RewardError> {
        if examples.is_empty() {
            return Err(RewardError::NoExamples {
                what: "rationale",
                to: "the rationale labeler",
            });
        }
        let classes = schema.len();
        let mut documents = vec![0_usize; classes];
        let mut totals = vec![0_usize; classes];
        let mut counts: HashMap<String, Vec<usize>> = HashMap::new();
        for (rationale, label) in examples {
            documents[label.index()] += 1;
            for word in words(rationale) {
                totals[label.index()] += 1;
                counts.entry(word).or_insert_with(|| vec![0; classes])[label.index()] += 1;
            }
        }
        let vocabulary = counts.len();
        let likelihood = |count: usize, class: usize| {
            ((count + 1) as f64 / (totals[class] + vocabulary) as f64).ln()
        };
        let all = (examples.len() + classes) as f64;
        Ok(Self {
            labels: schema.labels().collect(),
            priors: documents
                .iter()
                .map(|&n| ((n + 1) as f64 / all).ln())
                .collect(),
            words: counts
                .into_iter()
                .map(|(word, counts)| {
                    let scores = counts.iter().enumerate();
                    (
                        word,
                        scores.map(|(class, &n)| likelihood(n, class)).collect(),
                    )
                })
                .collect(),
        })
    }

    /// The share of rationales whose label is predicted.
    pub fn accuracy(&self, examples: &[(Rationale, Label)]) -> f64 {
        let right =
            |(rationale, label): &&(Rationale, Label)| self.predict(rationale) == Some(*label);
        examples.iter().filter(right).count() as f64 / examples.len().max(1) as f64
    }

    fn predict(&self, rationale: &Rationale) -> Option<Label> {
        let mut scores = self.priors.clone();
        let mut known = false;
        for likelihoods in words(rationale)
            .iter()
            .filter_map(|word| self.words.get(word))
        {
            known = true;
            for (score, likelihood) in scores.iter_mut().zip(likelihoods) {
                *score += likelihood;
            }
        }
        if !known {
            return None;
        }
        // The first of equals, so that ties go to the same class each time.
        let best = (0..scores.len()).reduce(|a, b| if scores[b] > scores[a] { b } else { a })?;
        Some(self.labels[best])
    }
}

impl RationaleLabeler for BagOfWordsLabeler {
    fn label(&self, rationale: &Rationale) -> Result<Option<Label>, RewardError> {
        Ok(self.predict(rationale))
    }
}

/// The words of a rationale, each once, in a fixed order (sums of floats depend on it).
fn words(rationale: &Rationale) -> BTreeSet<String> {
    normalize_query(rationale.as_str())
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
