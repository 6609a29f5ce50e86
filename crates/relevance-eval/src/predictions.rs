//! A system's answers on judged pairs, checked once.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, CowArray, Ix2};

use crate::confusion::{check_classes, check_label};
use crate::lengths::same_length;
use crate::matrix::matrix;
use crate::ranking::check_gains;
use crate::{EvalError, ScoredItem, ToMatrix, expected_ndcg, ndcg};

/// How far a row of probabilities may sum from 1.
pub const SUM_TOLERANCE: f64 = 1e-4;

/// One system's class distributions for judged (query, item) pairs: a table with one row a pair, whose
/// every row has been checked.
#[derive(Debug, Clone)]
pub struct Predictions<'a> {
    pub(crate) query_ids: Vec<&'a str>,
    pub(crate) item_ids: Option<Vec<&'a str>>,
    pub(crate) gold: &'a [usize],
    pub(crate) probabilities: CowArray<'a, f64, Ix2>, // [pairs, classes]
    pub(crate) class_names: Vec<&'a str>,
    pub(crate) gains: Vec<f64>,
}

impl<'a> Predictions<'a> {
    /// The table of these columns, one entry a pair in each:
    /// - `query_ids`, what a ranking belongs to and what a resample draws;
    /// - `gold`, the index of the judged class;
    /// - `probabilities`, `[pairs, classes]`: distributions over the classes, each summing to 1 within
    ///   [`SUM_TOLERANCE`] (for what may stand here, see [`ToMatrix`]).
    ///
    /// `classes` are the names of the classes, each with its gain (at least 0), in the order of the
    /// indices. A pair's ranking score is the gain expected of it, `Σ_k p_k · gain_k`.
    ///
    /// ```
    /// use relevance_eval::Predictions;
    ///
    /// let (queries, gold) = (["tent", "tent"], [0, 1]);
    /// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
    /// let predictions = Predictions::new(&queries, &gold, &[[0.9, 0.1], [0.4, 0.6]], &classes)?;
    /// assert_eq!(predictions.num_pairs(), 2);
    ///
    /// let logits = Predictions::new(&queries, &gold, &[[2.0, 1.0], [0.5, 0.5]], &classes);
    /// assert_eq!(
    ///     logits.unwrap_err().to_string(),
    ///     "`probabilities[0]` sums to 3, allowed: 1 within 0.0001 (are these logits?)"
    /// );
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// Empty input, differing lengths, a label outside the classes, more than
    /// [`MAX_CLASSES`](crate::MAX_CLASSES) classes, a gain that is negative or not finite, and a row of
    /// probabilities that holds NaN or a negative number or does not sum to 1.
    pub fn new<Q, P, C>(
        query_ids: &'a [Q],
        gold: &'a [usize],
        probabilities: &'a P,
        classes: &'a [(C, f64)],
    ) -> Result<Self, EvalError>
    where
        Q: AsRef<str>,
        P: ToMatrix + ?Sized,
        C: AsRef<str>,
    {
        if gold.is_empty() {
            return Err(EvalError::Empty { what: "gold" });
        }
        same_length("query_ids", query_ids.len(), "gold", gold.len())?;
        check_classes(classes.len())?;
        check_gains(classes.iter().map(|(_, gain)| *gain))?;
        let probabilities = matrix("probabilities", probabilities, Some(classes.len()))?;
        let rows = probabilities.nrows();
        same_length("probabilities", rows, "gold", gold.len())?;
        for (row, (&label, probabilities)) in gold.iter().zip(probabilities.rows()).enumerate() {
            check_label("gold", row, label, classes.len())?;
            check_distribution(row, probabilities)?;
        }
        Ok(Self {
            query_ids: query_ids.iter().map(AsRef::as_ref).collect(),
            item_ids: None,
            gold,
            probabilities,
            class_names: classes.iter().map(|(name, _)| name.as_ref()).collect(),
            gains: classes.iter().map(|(_, gain)| *gain).collect(),
        })
    }

    /// Adds the item of each pair: nDCG then orders items of equal score by descending id, as trec_eval
    /// does ([`ndcg`]), where it takes the expectation over their orders without ([`expected_ndcg`]).
    ///
    /// ```
    /// use relevance_eval::{EvaluationConfig, Predictions, evaluate};
    ///
    /// // Two items of equal score, of which the second is the relevant one.
    /// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
    /// let tied = Predictions::new(&["tent"; 2], &[1, 0], &[[0.5, 0.5]; 2], &classes)?;
    /// let config = EvaluationConfig::default();
    /// // Half of the orders are ideal, half put the item at rank 2: 1/2 · (1 + 1 / log2(3)).
    /// assert!((evaluate(&tied, &config)?.ndcg.value - 0.8155).abs() < 1e-4);
    /// let by_id = tied.with_item_ids(&["a", "b"])?; // b before a
    /// assert_eq!(evaluate(&by_id, &config)?.ndcg.value, 1.0);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// Differing lengths, and [`EvalError::DuplicateItem`] for an item that occurs twice under a query.
    pub fn with_item_ids<I: AsRef<str>>(mut self, item_ids: &'a [I]) -> Result<Self, EvalError> {
        same_length("item_ids", item_ids.len(), "gold", self.gold.len())?;
        let item_ids: Vec<&str> = item_ids.iter().map(AsRef::as_ref).collect();
        let mut pairs: Vec<_> = self.query_ids.iter().zip(&item_ids).collect();
        pairs.sort_unstable();
        if let Some(twice) = pairs.windows(2).find(|two| two[0] == two[1]) {
            return Err(EvalError::DuplicateItem {
                query: (*twice[0].0).to_owned(),
                item: (*twice[0].1).to_owned(),
            });
        }
        self.item_ids = Some(item_ids);
        Ok(self)
    }

    /// Number of pairs; never 0.
    ///
    /// ```
    /// # use relevance_eval::Predictions;
    /// let one = Predictions::new(&["q"], &[0], &[[1.0]], &[("only", 1.0)])?;
    /// assert_eq!(one.num_pairs(), 1);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn num_pairs(&self) -> usize {
        self.gold.len()
    }

    /// The most probable class of each pair; of equals the first, as `numpy.argmax`.
    ///
    /// ```
    /// # use relevance_eval::Predictions;
    /// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
    /// let two = Predictions::new(&["q"; 2], &[0, 0], &[[0.3, 0.7], [0.5, 0.5]], &classes)?;
    /// assert_eq!(two.predicted(), [1, 0]);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn predicted(&self) -> Vec<usize> {
        self.rows().map(|row| most_probable(row)).collect()
    }

    /// The gain expected of each pair, `Σ_k p_k · gain_k`: what it is ranked by.
    ///
    /// ```
    /// # use relevance_eval::Predictions;
    /// let classes = [("Exact", 1.0), ("Substitute", 0.5), ("Irrelevant", 0.0)];
    /// let one = Predictions::new(&["q"], &[0], &[[0.5, 0.25, 0.25]], &classes)?;
    /// assert_eq!(one.expected_gains(), [0.5 + 0.25 * 0.5]);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn expected_gains(&self) -> Vec<f64> {
        self.rows().map(|row| self.expected_gain(row)).collect()
    }

    fn rows(&self) -> impl Iterator<Item = ArrayView1<'_, f64>> {
        self.probabilities.rows().into_iter()
    }

    fn expected_gain(&self, probabilities: ArrayView1<'_, f64>) -> f64 {
        let terms = probabilities.into_iter().zip(&self.gains);
        terms.map(|(probability, gain)| probability * gain).sum()
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// The gold class of each pair with its distribution.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (usize, ArrayView1<'_, f64>)> {
        self.gold.iter().copied().zip(self.rows())
    }

    /// What the statistics need of each query, in the order of the query ids, so that the order of
    /// the rows never matters.
    pub(crate) fn by_query(&self) -> Result<Vec<QueryCounts>, EvalError> {
        let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, query) in self.query_ids.iter().enumerate() {
            rows_of.entry(query).or_default().push(row);
        }
        let queries = rows_of.into_values();
        queries.map(|rows| self.count_query(&rows)).collect()
    }

    fn count_query(&self, rows: &[usize]) -> Result<QueryCounts, EvalError> {
        let classes = self.classes();
        let mut cells: BTreeMap<usize, u32> = BTreeMap::new();
        for &row in rows {
            let predicted = most_probable(self.probabilities.row(row));
            *cells
                .entry(self.gold[row] * classes + predicted)
                .or_default() += 1;
        }
        let score = |row: usize| self.expected_gain(self.probabilities.row(row));
        let gain = |row: usize| self.gains[self.gold[row]];
        let (ndcg, ndcg_at_10) = match &self.item_ids {
            Some(ids) => {
                let mut items: Vec<ScoredItem<'_>> = rows
                    .iter()
                    .map(|&row| ScoredItem {
                        id: ids[row],
                        score: score(row),
                        gain: gain(row),
                    })
                    .collect();
                items.sort_by_key(|item| item.id);
                (ndcg(&items, None)?, ndcg(&items, Some(10))?)
            }
            None => {
                let scores: Vec<f64> = rows.iter().map(|&row| score(row)).collect();
                let gains: Vec<f64> = rows.iter().map(|&row| gain(row)).collect();
                (
                    expected_ndcg(&scores, &gains, None)?,
                    expected_ndcg(&scores, &gains, Some(10))?,
                )
            }
        };
        Ok(QueryCounts {
            cells: cells.into_iter().collect(),
            ndcg,
            ndcg_at_10,
        })
    }
}

/// A query's share of every statistic.
#[derive(Debug)]
pub(crate) struct QueryCounts {
    /// Non-zero cells of the query's confusion matrix: (row-major index, count).
    pub(crate) cells: Vec<(usize, u32)>,
    pub(crate) ndcg: f64,
    pub(crate) ndcg_at_10: f64,
}

/// The first of the largest.
pub(crate) fn most_probable(probabilities: ArrayView1<'_, f64>) -> usize {
    (1..probabilities.len()).fold(0, |best, class| {
        if probabilities[class] > probabilities[best] {
            class
        } else {
            best
        }
    })
}

fn check_distribution(row: usize, probabilities: ArrayView1<'_, f64>) -> Result<(), EvalError> {
    for (class, &value) in probabilities.iter().enumerate() {
        if value.is_nan() || value < 0.0 {
            return Err(EvalError::InvalidProbability { row, class, value });
        }
    }
    // In order, not by `ArrayBase::sum`, which adds in eights and rounds otherwise.
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() <= SUM_TOLERANCE {
        return Ok(());
    }
    Err(EvalError::NotNormalized {
        row,
        sum,
        tolerance: SUM_TOLERANCE,
    })
}
