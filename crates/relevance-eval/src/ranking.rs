//! nDCG with class gains, as trec_eval's `ndcg` and `ndcg_cut` compute it.
//!
//! `DCG = Σ_r gain_r / log2(r + 1)` over ranks `r = 1, 2, ...`: the gain is linear. The ideal order
//! sorts the gains themselves. A query whose gains are all zero scores 0 and still counts in a mean.
//! Scores are compared as `f32`, since trec_eval stores them so up to version 9: a smaller difference is
//! a tie. (trec_eval 10 keeps them as `double`, so that there it is none.)

use std::cmp::Ordering;

use crate::EvalError;
use crate::lengths::same_length;

/// One judged item of a query's result list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredItem<'a> {
    /// The document id, which orders items of equal score.
    pub id: &'a str,
    /// The system's score; higher ranks first.
    pub score: f64,
    /// The gain of the gold class, at least 0. Multiplying all gains by one factor changes nothing.
    pub gain: f64,
}

/// nDCG at `k` (or of the whole list) with the order of trec_eval 9: score descending, compared in
/// single precision, and equal scores by document id **descending**, bytewise.
///
/// That order of ties is arbitrary but fixed. Without ids worth the name use [`expected_ndcg`].
///
/// ```
/// use relevance_eval::{ScoredItem, ndcg};
///
/// let items = [
///     ScoredItem { id: "a", score: 0.9, gain: 0.0 },
///     ScoredItem { id: "b", score: 0.7, gain: 1.0 },
/// ];
/// // The gain stands at rank 2, where it is discounted by log2(3); ideally at rank 1.
/// assert_eq!(ndcg(&items, None)?, 1.0 / 3_f64.log2());
/// assert_eq!(ndcg(&items, Some(1))?, 0.0);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// No items, `k` of 0, a NaN score, a gain that is not a finite number of at least 0.
pub fn ndcg(items: &[ScoredItem<'_>], k: Option<usize>) -> Result<f64, EvalError> {
    check(
        items.iter().map(|item| item.score),
        items.iter().map(|item| item.gain),
        k,
    )?;
    let mut ranked = items.to_vec();
    ranked.sort_by(|a, b| trec_order((a.id, a.score), (b.id, b.score)));
    let gains: Vec<f64> = ranked.into_iter().map(|item| item.gain).collect();
    Ok(normalize(dcg(&gains, k), gains, k))
}

/// nDCG at `k` (or of the whole list) expected over random orders of equal scores: each item of a
/// tie contributes the tie's mean gain (McSherry and Najork 2008, "Computing information retrieval
/// performance measures efficiently in the presence of tied scores").
///
/// Equal to [`ndcg`] where no two scores are equal; needs no document ids, and a system that scores
/// every item alike gets what a random order gets.
///
/// ```
/// use relevance_eval::expected_ndcg;
///
/// // Two orders, equally likely: the gain at rank 1 or at rank 2.
/// let tied = expected_ndcg(&[0.5, 0.5], &[1.0, 0.0], None)?;
/// assert!((tied - (1.0 + 1.0 / 3_f64.log2()) / 2.0).abs() < 1e-12);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Those of [`ndcg`], and differing lengths.
pub fn expected_ndcg(scores: &[f64], gains: &[f64], k: Option<usize>) -> Result<f64, EvalError> {
    same_length("gains", gains.len(), "scores", scores.len())?;
    check(scores.iter().copied(), gains.iter().copied(), k)?;
    // Equal scores by gain, so that the sums below do not depend on the order of the rows.
    let mut ranked: Vec<(f32, f64)> = scores
        .iter()
        .zip(gains)
        .map(|(&score, &gain)| (score as f32 + 0.0, gain))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let expected: Vec<f64> = ranked
        .chunk_by(|a, b| a.0 == b.0)
        .flat_map(|tie| {
            let mean = tie.iter().map(|(_, gain)| gain).sum::<f64>() / tie.len() as f64;
            std::iter::repeat_n(if tie.len() == 1 { tie[0].1 } else { mean }, tie.len())
        })
        .collect();
    Ok(normalize(dcg(&expected, k), gains.to_vec(), k))
}

fn check(
    scores: impl ExactSizeIterator<Item = f64>,
    gains: impl Iterator<Item = f64>,
    k: Option<usize>,
) -> Result<(), EvalError> {
    if scores.len() == 0 {
        return Err(EvalError::Empty {
            what: "the ranking",
        });
    }
    if k == Some(0) {
        return Err(EvalError::InvalidConfig {
            field: "k",
            value: "0".into(),
            allowed: "at least 1",
        });
    }
    if let Some((index, value)) = scores.enumerate().find(|(_, score)| score.is_nan()) {
        return Err(EvalError::OutOfRange {
            what: "scores",
            index,
            value,
            allowed: "any number but NaN",
        });
    }
    check_gains(gains)
}

pub(crate) fn check_gains(gains: impl Iterator<Item = f64>) -> Result<(), EvalError> {
    let invalid = |gain: f64| !gain.is_finite() || gain < 0.0;
    match gains.enumerate().find(|&(_, gain)| invalid(gain)) {
        None => Ok(()),
        Some((index, value)) => Err(EvalError::OutOfRange {
            what: "gains",
            index,
            value,
            allowed: "finite numbers of at least 0",
        }),
    }
}

/// trec_eval 9's order of documents: score descending, compared in single precision, and equal scores by
/// id descending, bytewise.
pub(crate) fn trec_order(a: (&str, f64), b: (&str, f64)) -> Ordering {
    // `+ 0.0` turns -0 into 0, which total_cmp would set apart.
    let single = |score: f64| score as f32 + 0.0;
    let by_score = single(b.1).total_cmp(&single(a.1));
    by_score.then_with(|| b.0.as_bytes().cmp(a.0.as_bytes()))
}

pub(crate) fn dcg(gains: &[f64], k: Option<usize>) -> f64 {
    let ranks = gains.iter().take(k.unwrap_or(usize::MAX)).enumerate();
    ranks.map(|(i, gain)| gain / (i as f64 + 2.0).log2()).sum()
}

/// The DCG over that of the ideal order of `gains`; 0 if there is no gain.
pub(crate) fn normalize(dcg_of_system: f64, mut gains: Vec<f64>, k: Option<usize>) -> f64 {
    gains.sort_by(|a, b| b.total_cmp(a));
    let ideal = dcg(&gains, k);
    if ideal > 0.0 {
        dcg_of_system / ideal
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, score: f64, gain: f64) -> ScoredItem<'_> {
        ScoredItem { id, score, gain }
    }

    #[test]
    fn equal_scores_rank_by_descending_id() {
        // 0.63093 = 1 / log2(3), as trec_eval gives it: b before a.
        let tied = [item("a", 1.0, 1.0), item("b", 1.0, 0.0)];
        assert!((ndcg(&tied, None).unwrap() - 0.630_929_753_571_457_5).abs() < 1e-15);
        // Bytewise, so "B9" stands before "B10".
        let tied = [item("B10", 1.0, 1.0), item("B9", 1.0, 0.0)];
        assert!(ndcg(&tied, None).unwrap() < 1.0);
    }

    #[test]
    fn scores_are_compared_in_single_precision() {
        let near = [item("a", 0.5 + 1e-10, 1.0), item("b", 0.5, 0.0)];
        assert!(ndcg(&near, None).unwrap() < 1.0);
        let apart = [item("a", 0.5 + 1e-6, 1.0), item("b", 0.5, 0.0)];
        assert_eq!(ndcg(&apart, None).unwrap(), 1.0);
    }

    #[test]
    fn a_query_without_gain_scores_zero() {
        assert_eq!(ndcg(&[item("a", 1.0, 0.0)], None).unwrap(), 0.0);
        assert_eq!(expected_ndcg(&[1.0], &[0.0], Some(10)).unwrap(), 0.0);
    }

    #[test]
    fn the_expectation_is_the_mean_over_all_orders() {
        // Scores 2, 1, 1, 1: six orders of the tie.
        let gains = [0.1, 1.0, 0.01, 0.0];
        let scores = [2.0, 1.0, 1.0, 1.0];
        let orders = [
            [1, 2, 3],
            [1, 3, 2],
            [2, 1, 3],
            [2, 3, 1],
            [3, 1, 2],
            [3, 2, 1],
        ];
        for k in [None, Some(1), Some(2), Some(3)] {
            let mean = orders
                .iter()
                .map(|order| {
                    let list: Vec<f64> =
                        [0].iter().chain(order).map(|&i: &usize| gains[i]).collect();
                    normalize(dcg(&list, k), gains.to_vec(), k)
                })
                .sum::<f64>()
                / 6.0;
            let got = expected_ndcg(&scores, &gains, k).unwrap();
            assert!((got - mean).abs() < 1e-14, "k {k:?}: {got} against {mean}");
        }
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(ndcg(&[], None).is_err());
        assert!(ndcg(&[item("a", 1.0, 1.0)], Some(0)).is_err());
        assert!(ndcg(&[item("a", f64::NAN, 1.0)], None).is_err());
        assert!(ndcg(&[item("a", 1.0, -1.0)], None).is_err());
        assert!(expected_ndcg(&[1.0], &[], None).is_err());
    }
}
