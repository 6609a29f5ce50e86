//! Cohen's κ: agreement of two raters beyond chance.

use serde::{Deserialize, Serialize};

use crate::ConfusionMatrix;

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
