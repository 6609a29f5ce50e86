//! Judged pairs as the evaluation takes them.

use relevance_data::{LabelSchema, LabeledPair, normalize_query};
use relevance_eval::Predictions;

/// Judged pairs in the shape that the evaluation takes.
#[derive(Clone, Debug)]
pub struct QueryRows {
    /// Locale and normalised query of each pair.
    pub queries: Vec<String>,
    /// Item of each pair, unique within its query.
    pub items: Vec<String>,
    /// Class of each pair.
    pub gold: Vec<usize>,
    /// Names of the classes.
    pub names: Vec<String>,
    /// Gains of the classes.
    pub gains: Vec<f64>,
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
            names: schema.names(),
            gains: schema.gains(),
        }
    }

    /// A system's class distributions on these rows.
    pub fn predictions<'a>(&'a self, probabilities: &'a [Vec<f64>]) -> Predictions<'a> {
        Predictions {
            query_ids: &self.queries,
            gold: &self.gold,
            probabilities,
            class_names: &self.names,
            gains: &self.gains,
        }
    }
}
