//! A system's answers on judged pairs, checked row by row.

use std::collections::BTreeMap;

use crate::confusion::check_label;
use crate::ranking::check_gains;
use crate::{EvalError, ScoredItem, expected_ndcg, ndcg};

/// How far a row of probabilities may sum from 1.
pub const SUM_TOLERANCE: f64 = 1e-4;

/// One system's class distributions for judged (query, item) pairs; one entry a pair in each column.
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'a> {
    /// The query of each pair: what the bootstrap resamples and what a ranking belongs to.
    pub query_ids: &'a [String],
    /// Gold class of each pair, in `0..class_names.len()`.
    pub gold: &'a [usize],
    /// Class distribution of each pair: `[pairs][classes]`, each row non-negative, sum 1.
    pub probabilities: &'a [Vec<f64>],
    /// Names of the classes, in schema order.
    pub class_names: &'a [String],
    /// Gain of each class: the ranking score of a pair is `Σ_k p_k · gain_k`.
    pub gains: &'a [f64],
}

impl Predictions<'_> {
    /// Checks every column and row.
    ///
    /// # Errors
    /// Empty input, differing lengths, a label outside the classes, and a row of probabilities that
    /// holds NaN or a negative number or does not sum to 1 within [`SUM_TOLERANCE`].
    pub fn validate(&self) -> Result<(), EvalError> {
        let rows = self.gold.len();
        let classes = self.class_names.len();
        same_length("query_ids", self.query_ids.len(), "gold", rows)?;
        same_length("probabilities", self.probabilities.len(), "gold", rows)?;
        same_length("gains", self.gains.len(), "class_names", classes)?;
        if rows == 0 {
            return Err(EvalError::Empty { what: "gold" });
        }
        if classes == 0 {
            return Err(EvalError::Empty {
                what: "class_names",
            });
        }
        check_gains(self.gains.iter().copied())?;
        for (row, &label) in self.gold.iter().enumerate() {
            check_label("gold", row, label, classes)?;
            check_distribution(row, &self.probabilities[row], classes)?;
        }
        Ok(())
    }

    /// The most probable class of a row; the first of equals, as `numpy.argmax`.
    pub(crate) fn predicted(&self, row: usize) -> usize {
        let probabilities = &self.probabilities[row];
        (1..probabilities.len()).fold(0, |best, class| {
            if probabilities[class] > probabilities[best] {
                class
            } else {
                best
            }
        })
    }

    /// The expected gain of a row.
    pub(crate) fn score(&self, row: usize) -> f64 {
        let terms = self.probabilities[row].iter().zip(self.gains);
        terms.map(|(probability, gain)| probability * gain).sum()
    }

    /// What the statistics need of each query, in the order of the query ids, so that the order of
    /// the rows never matters. The predictions must be valid.
    pub(crate) fn by_query(
        &self,
        item_ids: Option<&[String]>,
    ) -> Result<Vec<QueryCounts>, EvalError> {
        if let Some(ids) = item_ids {
            same_length("item_ids", ids.len(), "gold", self.gold.len())?;
        }
        let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, query) in self.query_ids.iter().enumerate() {
            rows_of.entry(query).or_default().push(row);
        }
        let queries = rows_of.into_iter();
        queries
            .map(|(query, rows)| self.count_query(query, &rows, item_ids))
            .collect()
    }

    fn count_query(
        &self,
        query: &str,
        rows: &[usize],
        item_ids: Option<&[String]>,
    ) -> Result<QueryCounts, EvalError> {
        let classes = self.class_names.len();
        let mut cells: BTreeMap<usize, u32> = BTreeMap::new();
        for &row in rows {
            *cells
                .entry(self.gold[row] * classes + self.predicted(row))
                .or_default() += 1;
        }
        let gain = |row: usize| self.gains[self.gold[row]];
        let (ndcg, ndcg_at_10) = match item_ids {
            Some(ids) => {
                let mut items: Vec<ScoredItem<'_>> = rows
                    .iter()
                    .map(|&row| ScoredItem {
                        id: &ids[row],
                        score: self.score(row),
                        gain: gain(row),
                    })
                    .collect();
                items.sort_by_key(|item| item.id);
                if let Some(twice) = items.windows(2).find(|pair| pair[0].id == pair[1].id) {
                    return Err(EvalError::DuplicateItem {
                        query: query.into(),
                        item: twice[0].id.into(),
                    });
                }
                (ndcg(&items, None)?, ndcg(&items, Some(10))?)
            }
            None => {
                let scores: Vec<f64> = rows.iter().map(|&row| self.score(row)).collect();
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

pub(crate) fn same_length(
    what: &'static str,
    found: usize,
    reference: &'static str,
    expected: usize,
) -> Result<(), EvalError> {
    if found == expected {
        return Ok(());
    }
    Err(EvalError::LengthMismatch {
        what,
        found,
        reference,
        expected,
    })
}

fn check_distribution(row: usize, probabilities: &[f64], classes: usize) -> Result<(), EvalError> {
    if probabilities.len() != classes {
        return Err(EvalError::RowWidth {
            row,
            found: probabilities.len(),
            expected: classes,
        });
    }
    for (class, &value) in probabilities.iter().enumerate() {
        if value.is_nan() {
            return Err(EvalError::NanProbability { row, class });
        }
        if value < 0.0 {
            return Err(EvalError::NegativeProbability { row, class, value });
        }
    }
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
