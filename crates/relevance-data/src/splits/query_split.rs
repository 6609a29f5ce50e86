//! Parts of a data set that share no query, by a hash.
//!
//! Let `u(q)` be the hash of (seed, normalised query), read as a number in `[0, 1)`. SHA-256 makes the `u` of
//! different queries independent and uniform for all practical purposes, so a query falls into the interval of
//! part `p`, `[f_0 + .. + f_{p-1}, f_0 + .. + f_p)`, with probability `f_p`: of `n` queries a part holds
//! `f_p n`, give or take a standard deviation of `√(n f_p (1 − f_p))` (10 of 100 ± 3, 1,000 of 10,000 ± 30).
//! Nothing else enters, so the answer for one query never depends on the others.

use crate::{DataError, LabeledPair, Query, normalize_query};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Assigns queries to parts by a hash of the normalised query.
///
/// A query's part depends on its text, the fractions and the seed only: rows added later move
/// nothing, and all pairs of a query (in every spelling that [`normalize_query`] equates, in every
/// locale) fall into one part.
///
/// ```
/// use relevance_data::{Query, QuerySplit};
/// let split = QuerySplit::new(vec![0.9, 0.1], 42)?;
/// let part = split.part(&Query::new("1", "Dish Towels"));
/// assert_eq!(part, split.part(&Query::new("2", " dish  towels")));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSplit")]
pub struct QuerySplit {
    fractions: Vec<f64>,
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSplit {
    fractions: Vec<f64>,
    seed: u64,
}

impl TryFrom<RawSplit> for QuerySplit {
    type Error = DataError;

    fn try_from(raw: RawSplit) -> Result<Self, DataError> {
        Self::new(raw.fractions, raw.seed)
    }
}

impl QuerySplit {
    /// A split into parts of these expected sizes.
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] unless the fractions are not negative and sum to 1 (within 1e-6).
    pub fn new(fractions: Vec<f64>, seed: u64) -> Result<Self, DataError> {
        let sum: f64 = fractions.iter().sum();
        if fractions.iter().all(|&part| part >= 0.0) && (sum - 1.0).abs() <= 1e-6 {
            Ok(Self { fractions, seed })
        } else {
            Err(DataError::InvalidConfig {
                field: "fractions",
                value: format!("{fractions:?}"),
                allowed: "numbers of at least 0 that sum to 1".to_owned(),
            })
        }
    }

    /// A split into `folds` parts of the same expected size, for out-of-fold annotation.
    ///
    /// ```
    /// use relevance_data::QuerySplit;
    /// assert_eq!(QuerySplit::k_fold(4, 7)?.fractions(), [0.25; 4]);
    /// let error = QuerySplit::k_fold(1, 7).unwrap_err().to_string();
    /// assert_eq!(error, "`folds` is 1, allowed: at least 2");
    /// # Ok::<(), relevance_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] if `folds` is below 2.
    pub fn k_fold(folds: usize, seed: u64) -> Result<Self, DataError> {
        if folds < 2 {
            return Err(DataError::InvalidConfig {
                field: "folds",
                value: folds.to_string(),
                allowed: "at least 2".to_owned(),
            });
        }
        Self::new(vec![1.0 / folds as f64; folds], seed)
    }

    /// The expected size of each part, as a share.
    pub fn fractions(&self) -> &[f64] {
        &self.fractions
    }

    /// The seed of the hash.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many parts there are.
    pub fn num_parts(&self) -> usize {
        self.fractions.len()
    }

    /// The part of a query, from 0.
    pub fn part(&self, query: &Query) -> usize {
        self.part_of_text(&query.text)
    }

    /// The part of a query given as text, from 0.
    pub fn part_of_text(&self, query: &str) -> usize {
        let point = unit_hash(self.seed, &normalize_query(query));
        let mut upper = 0.0; // f_0 + .. + f_p
        for (part, fraction) in self.fractions.iter().enumerate() {
            upper += fraction;
            if point < upper {
                return part;
            }
        }
        // Rounding left a sliver above the last bound.
        self.fractions
            .iter()
            .rposition(|&fraction| fraction > 0.0)
            .unwrap_or(0)
    }

    /// The pairs to train on and those held out, for each fold in turn: what out-of-fold annotation
    /// goes through (a teacher that trained on the first annotates the second). Every pair is held out
    /// once.
    ///
    /// ```
    /// # use relevance_data::*;
    /// # let label = LabelSchema::esci().label(0)?;
    /// # let pairs: Vec<LabeledPair> = (0..20).map(|i| LabeledPair {
    /// #     pair: Pair { query: Query::new("", format!("query {i}")), item: Item::new("", "item") }, label }).collect();
    /// for (train, held_out) in QuerySplit::k_fold(4, 7)?.folds(&pairs) {
    ///     check_disjoint(&train, &held_out)?;
    /// }
    /// # Ok::<(), DataError>(())
    /// ```
    pub fn folds(
        &self,
        pairs: &[LabeledPair],
    ) -> impl Iterator<Item = (Vec<LabeledPair>, Vec<LabeledPair>)> {
        let parts: Vec<usize> = pairs.iter().map(|p| self.part(&p.pair.query)).collect();
        (0..self.num_parts()).map(move |fold| {
            let with_part = pairs.iter().cloned().zip(&parts);
            let (held_out, train): (Vec<_>, Vec<_>) =
                with_part.partition(|(_, part)| **part == fold);
            let pairs = |side: Vec<(LabeledPair, &usize)>| {
                side.into_iter().map(|(pair, _)| pair).collect::<Vec<_>>()
            };
            (pairs(train), pairs(held_out))
        })
    }

    /// The pairs of each part, in their order.
    ///
    /// ```
    /// # use relevance_data::*;
    /// # let label = LabelSchema::esci().label(0)?;
    /// # let pairs: Vec<LabeledPair> = (0..1000).map(|i| LabeledPair {
    /// #     pair: Pair { query: Query::new("", format!("query {i}")), item: Item::new("", "item") }, label }).collect();
    /// let parts = QuerySplit::new(vec![0.8, 0.1, 0.1], 42)?.split(pairs); // of 1,000 queries
    /// check_disjoint(&parts[0], &parts[1])?;
    /// assert!((750..850).contains(&parts[0].len()));
    /// # Ok::<(), relevance_data::DataError>(())
    /// ```
    pub fn split(&self, pairs: Vec<LabeledPair>) -> Vec<Vec<LabeledPair>> {
        let mut parts = vec![Vec::new(); self.fractions.len()];
        for pair in pairs {
            parts[self.part(&pair.pair.query)].push(pair);
        }
        parts
    }
}

/// `u`: a number in `[0, 1)` that depends on the seed and the text only.
pub(super) fn unit_hash(seed: u64, text: &str) -> f64 {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(text.as_bytes())
        .finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    // 53 bits: all that an f64 in [0, 1) can hold evenly.
    (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Checks that two parts share no normalised query. [`split_leakage`](crate::split_leakage) does it for
/// any number of named parts and also looks for queries that are nearly the same.
///
/// ```
/// use relevance_data::*;
/// let label = LabelSchema::binary().label(0)?;
/// let pair = |query: &str| LabeledPair { pair: Pair { query: Query::new("", query), item: Item::new("", "x") }, label };
/// check_disjoint(&[pair("usb cable")], &[pair("garden hose")])?;
/// let error = check_disjoint(&[pair("usb cable")], &[pair(" USB  Cable")]).unwrap_err();
/// assert!(matches!(error, DataError::SharedQueries { count: 1, .. }));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::SharedQueries`] with their number and the first of them.
pub fn check_disjoint(a: &[LabeledPair], b: &[LabeledPair]) -> Result<(), DataError> {
    let queries = |pairs: &[LabeledPair]| -> BTreeSet<String> {
        let texts: BTreeSet<&str> = pairs.iter().map(|p| p.pair.query.text.as_str()).collect();
        texts.into_iter().map(normalize_query).collect()
    };
    let (a, b) = (queries(a), queries(b));
    let mut shared = a.intersection(&b);
    match shared.next() {
        None => Ok(()),
        Some(first) => Err(DataError::SharedQueries {
            count: 1 + shared.count(),
            example: first.clone(),
        }),
    }
}
