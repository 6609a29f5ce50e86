//! Held-out pairs that the best model and early stopping go by.

use std::collections::BTreeMap;

use pair_tokenizer::PairTokenizer;
use relevance_data::LabelSchema;
use relevance_eval::{Evaluation, EvaluationConfig, Predictions, ToMatrix, evaluate};
use student_model::{Evaluator, StudentExample, predict};

use crate::error::DistillError;

/// Pairs scored at once.
const BATCH: usize = 32;

/// Held-out pairs with their labels.
#[derive(Clone, Debug)]
pub struct DevSet {
    examples: Vec<StudentExample>,
    queries: Vec<String>,
    gold: Vec<usize>,
    classes: Vec<(String, f64)>,
}

impl DevSet {
    /// The pairs of `examples`; their reasons are not read.
    ///
    /// # Errors
    ///
    /// [`DistillError::EmptyPart`] if there are none.
    pub fn new(examples: Vec<StudentExample>, schema: &LabelSchema) -> Result<Self, DistillError> {
        if examples.is_empty() {
            return Err(DistillError::EmptyPart {
                part: "dev",
                hint: "give a file with labelled pairs or a larger --dev-fraction".into(),
            });
        }
        Ok(Self {
            queries: examples.iter().map(|e| e.query_key.clone()).collect(),
            gold: examples.iter().map(|e| e.label).collect(),
            classes: schema.names().into_iter().zip(schema.gains()).collect(),
            examples,
        })
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Never: [`DevSet::new`] refuses an empty set.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// All figures of class distributions, one a pair.
    ///
    /// # Errors
    ///
    /// A row that is no distribution.
    pub fn evaluate(
        &self,
        probabilities: &(impl ToMatrix + ?Sized),
        config: &EvaluationConfig,
    ) -> Result<Evaluation, DistillError> {
        let predictions =
            Predictions::new(&self.queries, &self.gold, probabilities, &self.classes)?;
        Ok(evaluate(&predictions, config)?)
    }

    /// Accuracy, macro F1, nDCG@10 and the mean negative log-likelihood (`loss`) during training.
    pub fn evaluator(self, tokenizer: PairTokenizer) -> Evaluator {
        // No intervals are shown: one resample is the least that there is.
        let config = EvaluationConfig::new().with_bootstrap_samples(1);
        Evaluator::new(move |model| -> Result<_, DistillError> {
            let examples = self.examples.iter();
            let pairs: Vec<_> = examples.map(|e| (&*e.query, &*e.item)).collect();
            let probabilities = predict(model, &tokenizer, &pairs, BATCH)?;
            let gold = self.gold.iter().enumerate();
            let of_label = gold.map(|(row, &label)| probabilities[[row, label]]);
            let loss: f64 = of_label.map(|p| -p.max(f64::MIN_POSITIVE).ln()).sum();
            let figures = self.evaluate(&probabilities, &config)?;
            Ok(BTreeMap::from([
                ("accuracy".to_owned(), figures.accuracy.value),
                ("macro_f1".to_owned(), figures.macro_f1.value),
                ("ndcg@10".to_owned(), figures.ndcg_at_10.value),
                ("loss".to_owned(), loss / self.gold.len() as f64),
            ]))
        })
    }
}
