//! Judged pairs as the evaluation takes them.

use relevance_data::{LabelSchema, LabeledPair, normalize_query};
use relevance_eval::{EvalError, Predictions, ToMatrix};

/// Judged pairs in the shape that the evaluation takes.
#[derive(Clone, Debug)]
pub struct QueryRows {
    /// Locale and normalised query of each pair.
    pub queries: Vec<String>,
    /// Item of each pair, unique within its query.
    pub items: Vec<String>,
    /// Class of each pair.
    pub gold: Vec<usize>,
    /// Names and gains of the classes.
    pub classes: Vec<(String, f64)>,
}

impl QueryRows {
    /// The rows of `pairs`.
    pub fn new(pairs: &[LabeledPair], schema: &LabelSchema) -> Self {
        let query = |pair: &LabeledPair| {
            format!(
                "{}:{}",
                pair.pair.query.locale,
                normalize_query(&pair.pair.query.text)
            )
        };
        Self {
            queries: pairs.iter().map(query).collect(),
            // Two query ids may have the same normalised text and share an item.
            items: pairs
                .iter()
                .map(|pair| format!("{}\t{}", pair.pair.item.id, pair.pair.query.id))
                .collect(),
            gold: pairs.iter().map(|pair| pair.label.index()).collect(),
            classes: schema.names().into_iter().zip(schema.gains()).collect(),
        }
    }

    /// A system's class distributions on these rows.
    ///
    /// # Errors
    ///
    /// Another number of rows or classes, a row that is no distribution.
    pub fn predictions<'a>(
        &'a self,
        probabilities: &'a (impl ToMatrix + ?Sized),
    ) -> Result<Predictions<'a>, EvalError> {
        Predictions::new(&self.queries, &self.gold, probabilities, &self.classes)?
            .with_item_ids(&self.items)
    }
}
