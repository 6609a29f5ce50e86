//! Cohen's κ: agreement of two raters beyond chance.

use serde::{Deserialize, Serialize};

use crate::ConfusionMatrix;

// κ = 1 − Σ_ij w_ij o_ij / Σ_ij w_ij e_ij, where o_ij counts the rows of gold class i predicted as j,
// e_ij = (row sum i) · (column sum j) / n is what two independent raters of these habits would give,
// and w_ij, 0 on the diagonal, is what the disagreement costs.

/// How much a disagreement between two classes weighs (scikit-learn's `weights`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KappaWeights {
    /// 1 for any two classes: Cohen (1960).
    #[default]
    Unweighted,
    /// Their distance in schema order: Cohen (1968).
    Linear,
    /// Their squared distance: what is reported for graded relevance.
    Quadratic,
}

impl ConfusionMatrix {
    /// Cohen's κ of gold against predicted: 1 for full agreement, 0 for what chance gives. NaN if all
    /// rows are of one class on both sides, where chance agrees fully too (as scikit-learn).
    ///
    /// `κ = 1 − Σ_ij w_ij o_ij / Σ_ij w_ij e_ij` of the counts `o` and those expected by chance,
    /// `e_ij = support_i · predicted_j / n` (Cohen 1960, 1968).
    ///
    /// ```
    /// use relevance_eval::{ConfusionMatrix, KappaWeights};
    ///
    /// // 3 of 20 disagree; by chance it would be 10 · 11 / 20 + 10 · 9 / 20 = 10.
    /// let matrix = ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?;
    /// assert_eq!(matrix.kappa(KappaWeights::Unweighted), 1.0 - 3.0 / 10.0);
    /// // Two classes are one step apart, whatever the power.
    /// assert_eq!(matrix.kappa(KappaWeights::Quadratic), 0.7);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn kappa(&self, weights: KappaWeights) -> f64 {
        let classes = self.classes();
        let weight = |a: usize, b: usize| {
            let distance = a.abs_diff(b) as f64;
            match weights {
                KappaWeights::Unweighted => f64::from(u8::from(a != b)),
                KappaWeights::Linear => distance,
                KappaWeights::Quadratic => distance * distance,
            }
        };
        let cells = || (0..classes).flat_map(|gold| (0..classes).map(move |p| (gold, p)));
        let total: f64 = (0..classes).map(|class| self.support(class) as f64).sum();
        let observed: f64 = cells()
            .map(|(gold, p)| weight(gold, p) * self.count(gold, p) as f64)
            .sum();
        let expected: f64 = cells()
            .map(|(gold, p)| {
                weight(gold, p) * (self.support(gold) as f64 * self.predicted(p) as f64 / total)
            })
            .sum();
        1.0 - observed / expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_off_weighs_more_when_weighted() {
        let near = ConfusionMatrix::from_labels(&[0, 1, 2, 0], &[0, 1, 2, 1], 3).unwrap();
        let far = ConfusionMatrix::from_labels(&[0, 1, 2, 0], &[0, 1, 2, 2], 3).unwrap();
        assert!(near.kappa(KappaWeights::Quadratic) > far.kappa(KappaWeights::Quadratic));
        let perfect = ConfusionMatrix::from_labels(&[0, 1], &[0, 1], 2).unwrap();
        assert_eq!(perfect.kappa(KappaWeights::Unweighted), 1.0);
        let one_class = ConfusionMatrix::from_labels(&[0, 0], &[0, 0], 2).unwrap();
        assert!(one_class.kappa(KappaWeights::Unweighted).is_nan());
    }
}
