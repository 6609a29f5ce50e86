//! Counts of gold against predicted class.

use crate::EvalError;

/// `counts[gold][predicted]`; never empty, so that every rate of it is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Vec<u64>, // [k * k], row-major
    classes: usize,
}

impl ConfusionMatrix {
    /// Counts pairs of labels; `classes` is the number of classes of the schema.
    ///
    /// # Errors
    /// Empty input, differing lengths, a label that is not in `0..classes`.
    pub fn from_labels(
        gold: &[usize],
        predicted: &[usize],
        classes: usize,
    ) -> Result<Self, EvalError> {
        if gold.len() != predicted.len() {
            return Err(EvalError::LengthMismatch {
                what: "predicted",
                found: predicted.len(),
                reference: "gold",
                expected: gold.len(),
            });
        }
        if gold.is_empty() {
            return Err(EvalError::Empty { what: "gold" });
        }
        let mut counts = vec![0; classes * classes];
        for (row, (&gold, &predicted)) in gold.iter().zip(predicted).enumerate() {
            check_label("gold", row, gold, classes)?;
            check_label("predicted", row, predicted, classes)?;
            counts[gold * classes + predicted] += 1;
        }
        Ok(Self { counts, classes })
    }

    /// Takes a square table `rows[gold][predicted]`.
    ///
    /// # Errors
    /// A table without a single count, or one that is not square.
    pub fn from_rows(rows: &[Vec<u64>]) -> Result<Self, EvalError> {
        let classes = rows.len();
        for row in rows {
            if row.len() != classes {
                return Err(EvalError::LengthMismatch {
                    what: "a row of the confusion matrix",
                    found: row.len(),
                    reference: "its rows",
                    expected: classes,
                });
            }
        }
        let counts: Vec<u64> = rows.iter().flatten().copied().collect();
        if counts.iter().all(|&count| count == 0) {
            return Err(EvalError::Empty {
                what: "the confusion matrix",
            });
        }
        Ok(Self { counts, classes })
    }

    /// For sums over queries that are known to hold a row.
    pub(crate) fn from_counts(counts: Vec<u64>, classes: usize) -> Self {
        debug_assert_eq!(counts.len(), classes * classes);
        Self { counts, classes }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows of class `gold` predicted as `predicted`; both in `0..classes`.
    pub fn count(&self, gold: usize, predicted: usize) -> u64 {
        self.counts[gold * self.classes + predicted]
    }

    /// Number of rows counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Number of rows whose gold class is `class`.
    pub fn support(&self, class: usize) -> u64 {
        let start = class * self.classes;
        self.counts[start..start + self.classes].iter().sum()
    }

    /// Number of rows predicted as `class`.
    pub fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|gold| self.count(gold, class)).sum()
    }

    /// Share of rows on the diagonal.
    pub fn accuracy(&self) -> f64 {
        let correct: u64 = (0..self.classes)
            .map(|class| self.count(class, class))
            .sum();
        correct as f64 / self.total() as f64
    }

    /// The table as rows, `rows[gold][predicted]`.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts
            .chunks(self.classes)
            .map(<[u64]>::to_vec)
            .collect()
    }
}

pub(crate) fn check_label(
    what: &'static str,
    row: usize,
    label: usize,
    classes: usize,
) -> Result<(), EvalError> {
    if label < classes {
        return Ok(());
    }
    Err(EvalError::LabelOutOfRange {
        what,
        row,
        label,
        classes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_gold_by_predicted() {
        let matrix = ConfusionMatrix::from_labels(&[0, 0, 1, 2], &[0, 1, 1, 0], 3).unwrap();
        assert_eq!(
            matrix.rows(),
            vec![vec![1, 1, 0], vec![0, 1, 0], vec![1, 0, 0]]
        );
        assert_eq!((matrix.support(0), matrix.predicted(0)), (2, 2));
        assert_eq!(matrix.accuracy(), 0.5);
        assert_eq!(ConfusionMatrix::from_rows(&matrix.rows()).unwrap(), matrix);
    }

    #[test]
    fn bad_input_is_named() {
        let message = |result: Result<ConfusionMatrix, EvalError>| result.unwrap_err().to_string();
        assert_eq!(
            message(ConfusionMatrix::from_labels(&[0, 4], &[0, 0], 4)),
            "gold[1] is label 4; allowed are 0..4"
        );
        assert_eq!(
            message(ConfusionMatrix::from_labels(&[0], &[0, 0], 4)),
            "predicted has 2 entries, but 1 are needed to match gold"
        );
        assert!(message(ConfusionMatrix::from_labels(&[], &[], 4)).contains("empty"));
        assert!(message(ConfusionMatrix::from_rows(&[vec![0]])).contains("empty"));
        assert!(ConfusionMatrix::from_rows(&[vec![1, 2], vec![1]]).is_err());
    }
}
