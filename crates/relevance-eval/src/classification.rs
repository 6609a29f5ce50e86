//! Precision, recall and F1 of a confusion matrix, per class and averaged, as scikit-learn's
//! `precision_recall_fscore_support` gives them.

use serde::{Deserialize, Serialize};

use crate::ConfusionMatrix;

/// The value of a rate whose denominator is zero (scikit-learn's `zero_division`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroDivision {
    /// 0, scikit-learn's value (there with a warning).
    #[default]
    Zero,
    /// 1.
    One,
    /// NaN; averages leave such a class out.
    Nan,
}

impl ZeroDivision {
    fn divide(self, numerator: u64, denominator: u64) -> f64 {
        if denominator > 0 {
            return numerator as f64 / denominator as f64;
        }
        match self {
            Self::Zero => 0.0,
            Self::One => 1.0,
            Self::Nan => f64::NAN,
        }
    }
}

/// Which classes enter an average (scikit-learn's `labels`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassSet {
    /// Those that occur among the gold or the predicted labels: `labels=None`.
    #[default]
    Present,
    /// All of the schema: `labels=range(K)`.
    All,
}

/// How per-class figures become one (scikit-learn's `average`).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Average {
    /// Unweighted mean over classes.
    Macro,
    /// From the counts summed over classes.
    Micro,
    /// Mean over classes weighted by support.
    Weighted,
}

/// Precision, recall and their harmonic mean, each in [0, 1] or the value of [`ZeroDivision`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallF1 {
    /// True positives over predicted.
    pub precision: f64,
    /// True positives over support.
    pub recall: f64,
    /// `2 tp / (predicted + support)`.
    pub f1: f64,
}

/// The row of one class in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Name of the class.
    pub class: String,
    /// Precision; 0 if the class was never predicted.
    pub precision: f64,
    /// Recall; 0 if the class has no gold row.
    pub recall: f64,
    /// F1; 0 if the class occurs on neither side.
    pub f1: f64,
    /// Number of gold rows.
    pub support: u64,
}

impl ConfusionMatrix {
    /// Precision, recall and F1 of one class:
    /// `tp / predicted`, `tp / support` and `2 tp / (predicted + support)`.
    ///
    /// ```
    /// use relevance_eval::{ConfusionMatrix, ZeroDivision};
    ///
    /// let matrix = ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?;
    /// let scores = matrix.class_scores(0, ZeroDivision::Zero);
    /// assert_eq!(scores.precision, 8.0 / 9.0);
    /// assert_eq!(scores.recall, 8.0 / 10.0);
    /// assert_eq!(scores.f1, 16.0 / 19.0);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Panics
    /// If the class is not in `0..classes`, as an index of a slice.
    pub fn class_scores(&self, class: usize, zero_division: ZeroDivision) -> PrecisionRecallF1 {
        rates(
            self.count(class, class),
            self.predicted(class),
            self.support(class),
            zero_division,
        )
    }

    /// Precision, recall and F1 averaged over classes.
    ///
    /// With [`Average::Micro`] over single-label rows all three equal the accuracy.
    ///
    /// ```
    /// use relevance_eval::{Average, ClassSet, ConfusionMatrix, ZeroDivision};
    ///
    /// let matrix = ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?;
    /// let f1 = |average| matrix.average(average, ClassSet::Present, ZeroDivision::Zero).f1;
    /// assert_eq!(f1(Average::Macro), (16.0 / 19.0 + 18.0 / 21.0) / 2.0);
    /// assert_eq!(f1(Average::Micro), 0.85);
    /// // Both classes have 10 rows, so the weights change nothing.
    /// assert!((f1(Average::Weighted) - f1(Average::Macro)).abs() < 1e-12);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn average(
        &self,
        average: Average,
        classes: ClassSet,
        zero_division: ZeroDivision,
    ) -> PrecisionRecallF1 {
        let members: Vec<usize> = (0..self.classes())
            .filter(|&k| classes == ClassSet::All || self.support(k) + self.predicted(k) > 0)
            .collect();
        if average == Average::Micro {
            let sum = |count: &dyn Fn(usize) -> u64| members.iter().map(|&k| count(k)).sum();
            return rates(
                sum(&|k| self.count(k, k)),
                sum(&|k| self.predicted(k)),
                sum(&|k| self.support(k)),
                zero_division,
            );
        }
        let scores: Vec<(PrecisionRecallF1, f64)> = members
            .iter()
            .map(|&k| {
                let weight = match average {
                    Average::Weighted => self.support(k) as f64,
                    _ => 1.0,
                };
                (self.class_scores(k, zero_division), weight)
            })
            .collect();
        let mean = |rate: fn(&PrecisionRecallF1) -> f64| {
            nan_mean(scores.iter().map(|(score, weight)| (rate(score), *weight)))
        };
        PrecisionRecallF1 {
            precision: mean(|score| score.precision),
            recall: mean(|score| score.recall),
            f1: mean(|score| score.f1),
        }
    }
}

fn rates(tp: u64, predicted: u64, support: u64, zero_division: ZeroDivision) -> PrecisionRecallF1 {
    PrecisionRecallF1 {
        precision: zero_division.divide(tp, predicted),
        recall: zero_division.divide(tp, support),
        f1: zero_division.divide(2 * tp, predicted + support),
    }
}

/// Weighted mean without the NaN entries; unweighted if the weights that are left sum to zero;
/// NaN if none is left (scikit-learn's `_nanaverage`).
fn nan_mean(entries: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let kept = entries.filter(|(value, _)| !value.is_nan());
    let weight: f64 = kept.clone().map(|(_, weight)| weight).sum();
    if weight > 0.0 {
        return kept.map(|(value, weight)| value * weight).sum::<f64>() / weight;
    }
    let count = kept.clone().count();
    kept.map(|(value, _)| value).sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_class_is_skipped_or_counts_as_zero() {
        // Class 2 occurs nowhere.
        let matrix = ConfusionMatrix::from_labels(&[0, 1], &[0, 1], 3).unwrap();
        let f1 = |classes, zero| matrix.average(Average::Macro, classes, zero).f1;
        assert_eq!(f1(ClassSet::Present, ZeroDivision::Zero), 1.0);
        assert_eq!(f1(ClassSet::All, ZeroDivision::Zero), 2.0 / 3.0);
        assert_eq!(f1(ClassSet::All, ZeroDivision::One), 1.0);
        assert_eq!(f1(ClassSet::All, ZeroDivision::Nan), 1.0);
        assert!(matrix.class_scores(2, ZeroDivision::Nan).f1.is_nan());
    }

    #[test]
    fn micro_equals_accuracy() {
        let matrix = ConfusionMatrix::from_labels(&[0, 1, 2, 2], &[0, 2, 2, 1], 3).unwrap();
        let micro = matrix.average(Average::Micro, ClassSet::Present, ZeroDivision::Zero);
        assert_eq!(micro.f1, matrix.accuracy());
        assert_eq!(micro.precision, micro.recall);
    }
}
