//! trec_eval's measures of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Gain, Qrels, Run, TrecMeasure};
use crate::EvalError;
use crate::ranking::{dcg, normalize};

/// What counts.
///
/// ```
/// use relevance_eval::TrecConfig;
///
/// let config = TrecConfig::new().with_relevance_level(2).with_complete(false);
/// assert_eq!((config.relevance_level, config.complete), (2, false));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrecConfig {
    /// The lowest level that is relevant (trec_eval's `-l`). Default 1.
    pub relevance_level: i32,
    /// Whether a judged query without results counts with 0 (trec_eval's `-c`). Default yes: a system
    /// that answers only what it can must not look better.
    pub complete: bool,
}

impl Default for TrecConfig {
    fn default() -> Self {
        Self {
            relevance_level: 1,
            complete: true,
        }
    }
}

impl TrecConfig {
    /// The defaults.
    ///
    /// ```
    /// # use relevance_eval::TrecConfig;
    /// assert_eq!(TrecConfig::new(), TrecConfig::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the lowest level that is relevant.
    ///
    /// ```
    /// # use relevance_eval::TrecConfig;
    /// assert_eq!(TrecConfig::new().with_relevance_level(2).relevance_level, 2);
    /// ```
    pub fn with_relevance_level(mut self, level: i32) -> Self {
        self.relevance_level = level;
        self
    }

    /// Sets whether a judged query without results counts.
    ///
    /// ```
    /// # use relevance_eval::TrecConfig;
    /// assert!(!TrecConfig::new().with_complete(false).complete);
    /// ```
    pub fn with_complete(mut self, complete: bool) -> Self {
        self.complete = complete;
        self
    }
}

/// Measures of every query.
#[derive(Debug, Clone, PartialEq)]
pub struct TrecScores {
    measures: Vec<TrecMeasure>,
    queries: BTreeMap<String, Vec<f64>>,
}

impl TrecScores {
    /// The mean over queries; `None` for a measure that was not asked for.
    ///
    /// ```
    /// # use relevance_eval::{Qrels, Run, TrecConfig, TrecMeasure, trec_eval};
    /// # let qrels = Qrels::read(&b"q1 0 a 1\nq2 0 a 1\n"[..])?;
    /// # let run = Run::read(&b"q1 Q0 a 1 0.9 mine\n"[..])?;
    /// # let measures = [TrecMeasure::Map];
    /// // Two judged queries, of which one is answered, rightly.
    /// let scores = trec_eval(&qrels, &run, &measures, &TrecConfig::default())?;
    /// assert_eq!(scores.mean(&TrecMeasure::Map), Some(0.5));
    /// assert_eq!(scores.mean(&TrecMeasure::RecipRank), None);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn mean(&self, measure: &TrecMeasure) -> Option<f64> {
        let values = self.per_query(measure)?;
        let (count, sum) = values.fold((0, 0.0), |(n, sum), (_, value)| (n + 1, sum + value));
        Some(sum / f64::from(count))
    }

    /// Every query's value, in the order of the ids; `None` for a measure that was not asked for.
    ///
    /// ```
    /// # use relevance_eval::{Qrels, Run, TrecConfig, TrecMeasure, trec_eval};
    /// # let qrels = Qrels::read(&b"q1 0 a 1\nq2 0 a 1\n"[..])?;
    /// # let run = Run::read(&b"q1 Q0 a 1 0.9 mine\n"[..])?;
    /// let scores = trec_eval(&qrels, &run, &[TrecMeasure::Map], &TrecConfig::default())?;
    /// let values: Vec<_> = scores.per_query(&TrecMeasure::Map).expect("asked for").collect();
    /// assert_eq!(values, [("q1", 1.0), ("q2", 0.0)]);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn per_query(&self, measure: &TrecMeasure) -> Option<impl Iterator<Item = (&str, f64)>> {
        let column = self.measures.iter().position(|m| m == measure)?;
        let queries = self.queries.iter();
        Some(queries.map(move |(query, values)| (query.as_str(), values[column])))
    }

    /// What was measured.
    ///
    /// ```
    /// # use relevance_eval::{Qrels, Run, TrecConfig, TrecMeasure, trec_eval};
    /// # let (qrels, run) = (Qrels::read(&b"q1 0 a 1\n"[..])?, Run::new());
    /// let scores = trec_eval(&qrels, &run, &[TrecMeasure::Map], &TrecConfig::default())?;
    /// assert_eq!(scores.measures(), [TrecMeasure::Map]);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn measures(&self) -> &[TrecMeasure] {
        &self.measures
    }

    /// How many queries count.
    ///
    /// ```
    /// # use relevance_eval::{Qrels, Run, TrecConfig, TrecMeasure, trec_eval};
    /// # let (qrels, run) = (Qrels::read(&b"q1 0 a 1\n"[..])?, Run::new());
    /// let scores = trec_eval(&qrels, &run, &[TrecMeasure::Map], &TrecConfig::default())?;
    /// assert_eq!(scores.num_queries(), 1);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn num_queries(&self) -> usize {
        self.queries.len()
    }
}

/// The measures of a run as trec_eval computes them: documents in [`Run::ranked`]'s order; an
/// unjudged document is not relevant; a relevant document that is missing counts in the denominators;
/// a query without a relevant document scores 0; results of queries that are not judged are passed
/// over.
///
/// ```
/// use relevance_eval::{Qrels, Run, TrecConfig, TrecMeasure, trec_eval};
///
/// let qrels = Qrels::read(&b"q1 0 a 1\nq1 0 b 0\n"[..])?;
/// let run = Run::read(&b"q1 Q0 b 1 0.9 mine\nq1 Q0 a 2 0.7 mine\n"[..])?;
/// let measures = [TrecMeasure::RecipRank, "P@1".parse()?];
/// let scores = trec_eval(&qrels, &run, &measures, &TrecConfig::default())?;
/// assert_eq!(scores.mean(&measures[0]), Some(0.5)); // the first relevant document is at rank 2
/// assert_eq!(scores.mean(&measures[1]), Some(0.0));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// [`EvalError::Empty`] if no query counts.
pub fn trec_eval(
    qrels: &Qrels,
    run: &Run,
    measures: &[TrecMeasure],
    config: &TrecConfig,
) -> Result<TrecScores, EvalError> {
    let judged = qrels.queries();
    let counted = judged.filter(|(query, _)| config.complete || run.contains(query));
    let queries: BTreeMap<String, Vec<f64>> = counted
        .map(|(query, judgments)| {
            let list = RankedList::new(judgments, &run.ranked(query), config.relevance_level);
            let values = measures.iter().map(|measure| list.measure(measure));
            (query.to_owned(), values.collect())
        })
        .collect();
    if queries.is_empty() {
        return Err(EvalError::Empty {
            what: "the set of judged queries with results",
        });
    }
    Ok(TrecScores {
        measures: measures.to_vec(),
        queries,
    })
}

/// A query's results, each with its judgment.
struct RankedList<'a> {
    judgments: &'a BTreeMap<String, i32>,
    levels: Vec<Option<i32>>,
    relevance_level: i32,
    num_relevant: usize,
}

impl<'a> RankedList<'a> {
    fn new(
        judgments: &'a BTreeMap<String, i32>,
        ranked: &[(&str, f64)],
        relevance_level: i32,
    ) -> Self {
        let levels = ranked.iter().map(|(id, _)| judgments.get(*id).copied());
        Self {
            levels: levels.collect(),
            num_relevant: judgments
                .values()
                .filter(|l| **l >= relevance_level)
                .count(),
            judgments,
            relevance_level,
        }
    }

    /// Ranks of the relevant documents, from 1.
    fn hits(&self) -> impl Iterator<Item = usize> {
        let ranks = self.levels.iter().enumerate();
        ranks
            .filter(|(_, level)| level.is_some_and(|level| level >= self.relevance_level))
            .map(|(index, _)| index + 1)
    }

    fn hits_within(&self, k: usize) -> f64 {
        self.hits().take_while(|rank| *rank <= k).count() as f64
    }

    fn measure(&self, measure: &TrecMeasure) -> f64 {
        match measure {
            TrecMeasure::Map => {
                let precisions = self.hits().enumerate();
                let sum: f64 = precisions
                    .map(|(before, rank)| (before + 1) as f64 / rank as f64)
                    .sum();
                over(sum, self.num_relevant)
            }
            TrecMeasure::RecipRank => self.hits().next().map_or(0.0, |rank| 1.0 / rank as f64),
            TrecMeasure::Precision(k) => over(self.hits_within(*k), *k),
            TrecMeasure::Recall(k) => over(self.hits_within(*k), self.num_relevant),
            TrecMeasure::Ndcg { cutoff, gain } => self.ndcg(*cutoff, gain),
            TrecMeasure::Judged(k) => {
                let within = self.levels.len().min(*k);
                let judged = self.levels[..within].iter().flatten().count();
                over(judged as f64, within)
            }
        }
    }

    fn ndcg(&self, k: Option<usize>, gain: &Gain) -> f64 {
        let of_level = |level: &Option<i32>| level.map_or(0.0, |level| gain.of(level));
        let gains: Vec<f64> = self.levels.iter().map(of_level).collect();
        // The ideal order is that of all judged documents, retrieved or not.
        let judged = self.judgments.values().map(|level| gain.of(*level));
        normalize(dcg(&gains, k), judged.collect(), k)
    }
}

fn over(sum: f64, count: usize) -> f64 {
    if count == 0 { 0.0 } else { sum / count as f64 }
}
