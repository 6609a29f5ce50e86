//! Counts of gold against predicted class.

use crate::EvalError;
use crate::lengths::same_length;

/// How many classes there may be: a table of counts holds their square (128 MB).
pub const MAX_CLASSES: usize = 4096;

/// How many rows a table may count: the integers that an `f64` holds exactly, so that sums and rates are
/// exact too.
const MOST_COUNTED: u64 = 1 << 53;

/// `counts[gold][predicted]`; never empty, so that every rate of it is defined.
///
/// ```
/// use relevance_eval::ConfusionMatrix;
///
/// // Four pairs of three classes: two right, a 0 taken for a 1, a 2 for a 0.
/// let matrix = ConfusionMatrix::from_labels(&[0, 0, 1, 2], &[0, 1, 1, 0], 3)?;
/// assert_eq!(matrix.rows(), [[1, 1, 0], [0, 1, 0], [1, 0, 0]]);
/// assert_eq!(matrix.accuracy(), 0.5);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Vec<u64>, // [k * k], row-major
    classes: usize,
}

impl ConfusionMatrix {
    /// Counts pairs of labels; `classes` is the number of classes of the schema.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// let matrix = ConfusionMatrix::from_labels(&[0, 1], &[1, 1], 2)?;
    /// assert_eq!(matrix.count(0, 1), 1);
    /// let refused = ConfusionMatrix::from_labels(&[0, 4], &[0, 0], 4).unwrap_err();
    /// assert!(refused.to_string().starts_with("`gold[1]` is label 4, allowed: below 4"));
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// Empty input, differing lengths, a label that is not in `0..classes`, more than
    /// [`MAX_CLASSES`] classes.
    pub fn from_labels(
        gold: &[usize],
        predicted: &[usize],
        classes: usize,
    ) -> Result<Self, EvalError> {
        same_length("predicted", predicted.len(), "gold", gold.len())?;
        if gold.is_empty() {
            return Err(EvalError::Empty { what: "gold" });
        }
        check_classes(classes)?;
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
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// let matrix = ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?;
    /// assert_eq!(matrix.accuracy(), 17.0 / 20.0);
    /// assert!(ConfusionMatrix::from_rows(&[[0, 0], [0, 0]]).is_err());
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// A table without a single count or with more than 2^53, one that is not square or has more than
    /// [`MAX_CLASSES`] rows.
    pub fn from_rows<R: AsRef<[u64]>>(rows: &[R]) -> Result<Self, EvalError> {
        const TABLE: &str = "the confusion matrix";
        let classes = rows.len();
        if classes == 0 {
            return Err(EvalError::Empty { what: TABLE });
        }
        check_classes(classes)?;
        for row in rows {
            let width = row.as_ref().len();
            same_length("a row of the confusion matrix", width, "its rows", classes)?;
        }
        let counts: Vec<u64> = rows.iter().flat_map(AsRef::as_ref).copied().collect();
        let total = counts.iter().try_fold(0_u64, |sum, &n| sum.checked_add(n));
        match total {
            Some(0) => return Err(EvalError::Empty { what: TABLE }),
            Some(1..=MOST_COUNTED) => {}
            _ => {
                return Err(EvalError::InvalidConfig {
                    field: "sum of the confusion matrix",
                    value: total.map_or("above 2^64".to_owned(), |sum| sum.to_string()),
                    allowed: "1 to 2^53",
                });
            }
        }
        Ok(Self { counts, classes })
    }

    /// For sums over queries that are known to hold a row.
    pub(crate) fn from_counts(counts: Vec<u64>, classes: usize) -> Self {
        debug_assert_eq!(counts.len(), classes * classes);
        Self { counts, classes }
    }

    /// Number of classes.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// assert_eq!(ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?.classes(), 2);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows of class `gold` predicted as `predicted`.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// assert_eq!(ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?.count(0, 1), 2);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Panics
    /// If one of them is not in `0..classes`, as an index of a slice.
    pub fn count(&self, gold: usize, predicted: usize) -> u64 {
        // A class too large must not become a cell of the next row.
        self.counts[gold * self.classes..][..self.classes][predicted]
    }

    /// Number of rows counted.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// assert_eq!(ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?.total(), 20);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Number of rows whose gold class is `class`.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// assert_eq!(ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?.support(0), 8 + 2);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Panics
    /// If it is not in `0..classes`, as an index of a slice.
    pub fn support(&self, class: usize) -> u64 {
        let start = class * self.classes;
        self.counts[start..start + self.classes].iter().sum()
    }

    /// Number of rows predicted as `class`.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// assert_eq!(ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?.predicted(0), 8 + 1);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Panics
    /// If it is not in `0..classes`, as an index of a slice.
    pub fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|gold| self.count(gold, class)).sum()
    }

    /// Share of rows on the diagonal.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// assert_eq!(ConfusionMatrix::from_rows(&[[8, 2], [1, 9]])?.accuracy(), 0.85);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn accuracy(&self) -> f64 {
        let correct: u64 = (0..self.classes)
            .map(|class| self.count(class, class))
            .sum();
        correct as f64 / self.total() as f64
    }

    /// The table as rows, `rows[gold][predicted]`.
    ///
    /// ```
    /// # use relevance_eval::ConfusionMatrix;
    /// let matrix = ConfusionMatrix::from_labels(&[0, 1, 1], &[0, 0, 1], 2)?;
    /// assert_eq!(matrix.rows(), [[1, 0], [1, 1]]);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts
            .chunks(self.classes)
            .map(<[u64]>::to_vec)
            .collect()
    }
}

pub(crate) fn check_classes(classes: usize) -> Result<(), EvalError> {
    if (1..=MAX_CLASSES).contains(&classes) {
        return Ok(());
    }
    Err(EvalError::InvalidConfig {
        field: "classes",
        value: classes.to_string(),
        allowed: "1 to 4096",
    })
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
            "`gold[1]` is label 4, allowed: below 4, the number of classes"
        );
        assert_eq!(
            message(ConfusionMatrix::from_labels(&[0], &[0, 0], 4)),
            "predicted has 2 entries, allowed: 1, as many as gold"
        );
        assert!(message(ConfusionMatrix::from_labels(&[], &[], 4)).contains("empty"));
        assert!(message(ConfusionMatrix::from_rows(&[[0]])).contains("empty"));
        assert!(message(ConfusionMatrix::from_rows::<[u64; 0]>(&[])).contains("empty"));
        assert!(ConfusionMatrix::from_rows(&[vec![1, 2], vec![1]]).is_err());
    }

    #[test]
    fn sizes_are_checked_before_memory_is_asked_for() {
        let message = |result: Result<ConfusionMatrix, EvalError>| result.unwrap_err().to_string();
        for classes in [0, MAX_CLASSES + 1, 1_000_000_000_000, usize::MAX] {
            let refused = message(ConfusionMatrix::from_labels(&[0], &[0], classes));
            assert_eq!(
                refused,
                format!("`classes` is {classes}, allowed: 1 to 4096")
            );
        }
        let sums = [[u64::MAX, 1], [0, 0]];
        assert!(message(ConfusionMatrix::from_rows(&sums)).contains("above 2^64"));
        let most = ConfusionMatrix::from_rows(&[[MOST_COUNTED]]).unwrap();
        assert_eq!(most.class_scores(0, crate::ZeroDivision::Zero).f1, 1.0);
        assert!(message(ConfusionMatrix::from_rows(&[[MOST_COUNTED + 1]])).contains("1 to 2^53"));
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn a_class_too_large_is_no_cell_of_the_next_row() {
        let matrix = ConfusionMatrix::from_rows(&[[1, 0], [0, 1]]).unwrap();
        matrix.count(0, 2);
    }
}
