//! Area under the ROC curve: of one score, one class against the rest, and one against one.
//!
//! The area is the probability that a random positive scores above a random negative, ties counting
//! one half (Hanley and McNeil 1982); it equals scikit-learn's trapezoids.

// AUC = (#{(i, j) : s_i > s_j} + 1/2 #{(i, j) : s_i = s_j}) / (P N) over the positives i and the
// negatives j: the Mann-Whitney statistic. Sorted by score, a tie group with p positives and n
// negatives adds p (negatives below + n / 2), so one pass suffices.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::lengths::same_length;
use crate::{EvalError, Predictions};

/// How areas of classes become one (scikit-learn's `average`).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AucAverage {
    /// Unweighted mean.
    Macro,
    /// Weighted by how often the class, or the pair of classes, is the gold one.
    Weighted,
}

/// The area under the ROC curve of `scores` for the rows where `positive` holds.
///
/// ```
/// use relevance_eval::roc_auc;
///
/// // Of the 2 · 2 pairs of a positive and a negative, 3 are in order.
/// let auc = roc_auc(&[true, false, true, false], &[0.9, 0.4, 0.3, 0.1])?;
/// assert_eq!(auc, 0.75);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Differing lengths, a NaN score, and rows of which all or none are positive: the area is then
/// undefined.
pub fn roc_auc(positive: &[bool], scores: &[f64]) -> Result<f64, EvalError> {
    check_scores(positive, scores)?;
    let rows = positive.iter().copied().zip(scores.iter().copied());
    area(rows.collect()).ok_or(EvalError::Undefined {
        figure: "the area under the ROC curve",
        reason: "it needs a positive and a negative row",
    })
}

/// One score a row, none of them NaN.
pub(crate) fn check_scores(positive: &[bool], scores: &[f64]) -> Result<(), EvalError> {
    same_length("scores", scores.len(), "positive", positive.len())?;
    if let Some((index, &value)) = scores.iter().enumerate().find(|(_, s)| s.is_nan()) {
        return Err(EvalError::OutOfRange {
            what: "scores",
            index,
            value,
            allowed: "any number but NaN",
        });
    }
    Ok(())
}

/// The area, if there are rows of both kinds.
fn area(mut rows: Vec<(bool, f64)>) -> Option<f64> {
    // `+ 0.0` turns -0 into 0, which total_cmp would set apart.
    rows.sort_by(|a, b| (a.1 + 0.0).total_cmp(&(b.1 + 0.0)));
    let (mut below, mut wins) = (0_u64, 0_u128);
    let mut positives = 0_u64;
    for tie in rows.chunk_by(|a, b| a.1 == b.1) {
        let of_tie = tie.iter().filter(|(positive, _)| *positive).count() as u64;
        let negatives = tie.len() as u64 - of_tie;
        // In halves, so that the sum is exact.
        wins += u128::from(of_tie) * (2 * u128::from(below) + u128::from(negatives));
        below += negatives;
        positives += of_tie;
    }
    let pairs = u128::from(positives) * u128::from(below);
    (pairs > 0).then(|| wins as f64 / (2.0 * pairs as f64))
}

impl Predictions<'_> {
    /// The area of each class against the rest, in schema order; `None` where the class is the gold
    /// one of all rows or of none.
    ///
    /// ```
    /// # use relevance_eval::Predictions;
    /// let classes = [("Exact", 1.0), ("Substitute", 0.1), ("Irrelevant", 0.0)];
    /// let rows = [[0.6, 0.2, 0.2], [0.3, 0.6, 0.1], [0.4, 0.5, 0.1]];
    /// let three = Predictions::new(&["q"; 3], &[0, 0, 1], &rows, &classes)?;
    /// // As Exact the third stands between the two that are; as Substitute below one of them.
    /// assert_eq!(three.auc_per_class(), [Some(0.5), Some(0.5), None]);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn auc_per_class(&self) -> Vec<Option<f64>> {
        let of_class = |class: usize| {
            let rows = self.judged();
            area(rows.map(|(gold, p)| (gold == class, p[class])).collect())
        };
        (0..self.classes()).map(of_class).collect()
    }

    /// The mean area of the classes against the rest: scikit-learn's
    /// `roc_auc_score(multi_class="ovr", labels=range(K))`. A class without a gold row has no area: weighted
    /// by support it counts nothing, a macro mean it leaves undefined.
    ///
    /// ```
    /// # use relevance_eval::{AucAverage, Predictions};
    /// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
    /// let rows = [[0.8, 0.2], [0.3, 0.7], [0.4, 0.6]];
    /// let three = Predictions::new(&["q"; 3], &[0, 0, 1], &rows, &classes)?;
    /// // Of two classes either against the rest is the same question.
    /// assert_eq!(three.auc_one_vs_rest(AucAverage::Macro)?, 0.5);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::Undefined`] if a class that counts has no gold row, or all of them (where scikit-learn
    /// gives NaN or raises).
    pub fn auc_one_vs_rest(&self, average: AucAverage) -> Result<f64, EvalError> {
        let areas = self.auc_per_class();
        let weighted = areas.into_iter().enumerate().filter_map(|(class, area)| {
            let support = self.gold.iter().filter(|&&gold| gold == class).count();
            let counts = support > 0 || average == AucAverage::Macro;
            counts.then(|| Ok((area.ok_or(UNDEFINED)?, support as f64)))
        });
        mean(weighted.collect::<Result<Vec<_>, EvalError>>()?, average)
    }

    /// The mean area over pairs of classes, each pair from either side on the rows of the two: the
    /// measure of Hand and Till (2001), scikit-learn's `roc_auc_score(multi_class="ovo")`. Unlike
    /// one-vs-rest it does not depend on how frequent the classes are. Classes without a gold row are left
    /// out, as scikit-learn leaves them out.
    ///
    /// ```
    /// # use relevance_eval::{AucAverage, Predictions};
    /// let classes = [("Exact", 1.0), ("Substitute", 0.1), ("Irrelevant", 0.0)];
    /// let rows = [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6]];
    /// let three = Predictions::new(&["q"; 3], &[0, 1, 2], &rows, &classes)?;
    /// assert_eq!(three.auc_one_vs_one(AucAverage::Macro)?, 1.0); // each class tells its own row
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::Undefined`] if fewer than two classes have a gold row.
    pub fn auc_one_vs_one(&self, average: AucAverage) -> Result<f64, EvalError> {
        let present: BTreeSet<usize> = self.gold.iter().copied().collect();
        let mut pairs = Vec::new();
        for &a in &present {
            for &b in present.range(a + 1..) {
                let side = |positive: usize, negative: usize| {
                    let rows = self.judged();
                    let rows = rows.filter(|(gold, _)| *gold == positive || *gold == negative);
                    area(
                        rows.map(|(gold, p)| (gold == positive, p[positive]))
                            .collect(),
                    )
                };
                let (Some(of_a), Some(of_b)) = (side(a, b), side(b, a)) else {
                    return Err(UNDEFINED);
                };
                let rows = self.gold.iter().filter(|&&gold| gold == a || gold == b);
                pairs.push(((of_a + of_b) / 2.0, rows.count() as f64));
            }
        }
        if pairs.is_empty() {
            return Err(UNDEFINED);
        }
        mean(pairs, average)
    }
}

const UNDEFINED: EvalError = EvalError::Undefined {
    figure: "the multi-class area under the ROC curve",
    reason: "it needs at least two classes and a gold row of each",
};

fn mean(areas: Vec<(f64, f64)>, average: AucAverage) -> Result<f64, EvalError> {
    let weight = |weight: f64| match average {
        AucAverage::Macro => 1.0,
        AucAverage::Weighted => weight,
    };
    let total: f64 = areas.iter().map(|(_, w)| weight(*w)).sum();
    let sum: f64 = areas.iter().map(|(area, w)| area * weight(*w)).sum();
    Ok(sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_one_half() {
        let positive = [true, false, true, false];
        assert_eq!(roc_auc(&positive, &[2.0, 1.0, 4.0, 3.0]).unwrap(), 0.75);
        assert_eq!(roc_auc(&positive, &[1.0; 4]).unwrap(), 0.5);
        assert_eq!(roc_auc(&positive, &[0.0, -0.0, 0.0, -0.0]).unwrap(), 0.5);
        assert_eq!(
            roc_auc(&positive, &[3.0, 1.0, 4.0, f64::NEG_INFINITY]).unwrap(),
            1.0
        );
    }

    #[test]
    fn one_kind_of_rows_has_no_area() {
        assert!(matches!(
            roc_auc(&[true, true], &[1.0, 2.0]),
            Err(EvalError::Undefined { .. })
        ));
        assert!(roc_auc(&[true, false], &[f64::NAN, 2.0]).is_err());
        assert!(roc_auc(&[true], &[]).is_err());
    }
}
