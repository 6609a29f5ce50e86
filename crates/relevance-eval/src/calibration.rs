//! Reliability bins and the expected calibration error of the predicted class.

// A classifier is calibrated if, of the rows whose predicted class has probability p, the share p is
// right. That is asked bin by bin: B_m holds the rows whose confidence lies in ((m−1)/M, m/M],
//   ECE = Σ_m |B_m|/n · |acc(B_m) − conf(B_m)|.

use serde::{Deserialize, Serialize};

use crate::EvalError;
use crate::lengths::same_length;

/// How many bins there may be.
const MOST_BINS: usize = 1_000_000;

/// Number of bins of a report.
pub const RELIABILITY_BINS: usize = 15;

/// Rows whose confidence (probability of the predicted class) lies in `(lower, upper]`.
///
/// The first bin also holds confidence 0. An empty bin has no means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower edge, excluded.
    pub lower: f64,
    /// Upper edge, included.
    pub upper: f64,
    /// Number of rows.
    pub count: u64,
    /// Mean confidence of the rows.
    pub mean_confidence: Option<f64>,
    /// Share of the rows whose predicted class is the gold one.
    pub accuracy: Option<f64>,
}

/// Sorts rows into `bins` bins of equal width over [0, 1], by the confidence in the predicted class
/// (Guo et al. 2017, section 2; scikit-learn's `calibration_curve(strategy="uniform")`).
///
/// ```
/// use relevance_eval::reliability_bins;
///
/// let bins = reliability_bins(&[0.5, 0.75, 1.0], &[false, true, false], 2)?;
/// assert_eq!((bins[0].count, bins[1].count), (1, 2)); // an edge belongs to the bin below it
/// assert_eq!(bins[1].mean_confidence, Some(0.875));
/// assert_eq!(bins[1].accuracy, Some(0.5));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// Empty input, differing lengths, a confidence outside [0, 1], no bins or more than a million.
pub fn reliability_bins(
    confidences: &[f64],
    correct: &[bool],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, EvalError> {
    same_length("correct", correct.len(), "confidences", confidences.len())?;
    if confidences.is_empty() {
        return Err(EvalError::Empty {
            what: "confidences",
        });
    }
    if !(1..=MOST_BINS).contains(&bins) {
        return Err(EvalError::InvalidConfig {
            field: "bins",
            value: bins.to_string(),
            allowed: "1 to 1000000",
        });
    }
    let width = 1.0 / bins as f64;
    // The edges of numpy.linspace(0, 1, bins + 1), without the outer two.
    let edges: Vec<f64> = (1..bins).map(|i| i as f64 * width).collect();
    let mut sums = vec![(0u64, 0.0, 0u64); bins];
    for (row, (&confidence, &correct)) in confidences.iter().zip(correct).enumerate() {
        if !(0.0..=1.0).contains(&confidence) {
            return Err(EvalError::OutOfRange {
                what: "confidences",
                index: row,
                value: confidence,
                allowed: "numbers in [0, 1]",
            });
        }
        let (count, total, hits) = &mut sums[edges.partition_point(|&edge| edge < confidence)];
        *count += 1;
        *total += confidence;
        *hits += u64::from(correct);
    }
    let mean = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
    Ok(sums
        .into_iter()
        .enumerate()
        .map(|(i, (count, total, hits))| ReliabilityBin {
            lower: i as f64 * width,
            upper: if i + 1 == bins { 1.0 } else { edges[i] },
            count,
            mean_confidence: mean(total, count),
            accuracy: mean(hits as f64, count),
        })
        .collect())
}

/// `ECE = Σ_bins count/n · |accuracy − mean confidence|` (Guo et al. 2017, equation 3); 0 if no bin
/// holds a row.
///
/// ```
/// use relevance_eval::{expected_calibration_error, reliability_bins};
///
/// // One row of three at confidence 0.5 and wrong, two at 0.875 of which one is right.
/// let bins = reliability_bins(&[0.5, 0.75, 1.0], &[false, true, false], 2)?;
/// let ece = expected_calibration_error(&bins);
/// assert!((ece - (1.0 / 3.0 * 0.5 + 2.0 / 3.0 * 0.375)).abs() < 1e-12);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let total: u64 = bins.iter().map(|bin| bin.count).sum();
    let gap = |bin: &ReliabilityBin| {
        let (accuracy, confidence) = (bin.accuracy?, bin.mean_confidence?);
        Some(bin.count as f64 / total as f64 * (accuracy - confidence).abs())
    };
    bins.iter().filter_map(gap).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_below_it() {
        let bins = reliability_bins(&[0.0, 0.5, 0.6, 1.0], &[false, true, true, true], 2).unwrap();
        assert_eq!((bins[0].count, bins[1].count), (2, 2));
        assert_eq!(bins[0].accuracy, Some(0.5));
        assert_eq!((bins[1].lower, bins[1].upper), (0.5, 1.0));
        let ece = expected_calibration_error(&bins);
        assert!((ece - (0.5 * 0.25 + 0.5 * 0.2)).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(reliability_bins(&[], &[], 15).is_err());
        assert!(reliability_bins(&[0.1], &[], 15).is_err());
        assert!(reliability_bins(&[0.1], &[true], 0).is_err());
        assert!(reliability_bins(&[0.1], &[true], usize::MAX).is_err());
        assert!(reliability_bins(&[f64::NAN], &[true], 15).is_err());
        assert!(reliability_bins(&[1.1], &[true], 15).is_err());
        assert_eq!(expected_calibration_error(&[]), 0.0);
    }
}
