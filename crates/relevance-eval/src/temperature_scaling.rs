//! Temperature scaling: one number that makes a classifier's probabilities honest.
//!
//! Guo et al. 2017 (arXiv 1706.04599), section 4.2: `p = softmax(logits / T)` with the `T` that
//! minimises the negative log-likelihood on held-out rows. The predicted class never changes.

use serde::{Deserialize, Serialize};
use vector_math::softmax_in_place;

use crate::confusion::check_label;
use crate::predictions::same_length;
use crate::{EvalError, Predictions};

/// Smallest probability that has a logarithm here.
const LEAST: f64 = 1e-300;
/// 1/T is looked for between these bounds.
const INVERSE_BOUNDS: (f64, f64) = (1e-3, 1e3);
/// Halvings of the interval of ln(1/T): below the last place of an f64.
const HALVINGS: usize = 80;

/// A temperature T above 0: below 1 sharpens, above 1 flattens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemperatureScaling {
    /// T.
    pub temperature: f64,
}

impl TemperatureScaling {
    /// The temperature that minimises the mean negative log-likelihood of `labels` under
    /// `softmax(logits / T)`, within 0.001 and 1000. Logarithms of probabilities serve as logits.
    ///
    /// The likelihood is concave in `1/T`, so the minimum is found by halving an interval on the sign
    /// of the derivative.
    ///
    /// # Errors
    /// No rows, rows of differing widths, a label outside them, a logit that is not finite.
    pub fn fit(logits: &[Vec<f64>], labels: &[usize]) -> Result<Self, EvalError> {
        check(logits, labels)?;
        let slope = |inverse: f64| -> f64 {
            let rows = logits.iter().zip(labels);
            rows.map(|(row, &label)| expected(row, inverse) - row[label])
                .sum()
        };
        let (mut low, mut high) = (INVERSE_BOUNDS.0.ln(), INVERSE_BOUNDS.1.ln());
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if slope(middle.exp()) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(Self {
            temperature: (-0.5 * (low + high)).exp(),
        })
    }

    /// [`TemperatureScaling::fit`] on a system's predictions.
    ///
    /// # Errors
    /// Those of [`Predictions::validate`].
    pub fn fit_predictions(predictions: &Predictions<'_>) -> Result<Self, EvalError> {
        predictions.validate()?;
        let logits: Vec<Vec<f64>> = predictions.probabilities.iter().map(|p| ln(p)).collect();
        Self::fit(&logits, predictions.gold)
    }

    /// The class distribution of logits: `softmax(logits / T)`.
    pub fn apply_to_logits(&self, logits: &[f64]) -> Vec<f64> {
        let mut probabilities = logits.to_vec();
        softmax_in_place(&mut probabilities, self.temperature);
        probabilities
    }

    /// The distribution at this temperature of one that was made at temperature 1.
    pub fn apply(&self, probabilities: &[f64]) -> Vec<f64> {
        self.apply_to_logits(&ln(probabilities))
    }
}

fn ln(probabilities: &[f64]) -> Vec<f64> {
    probabilities.iter().map(|p| p.max(LEAST).ln()).collect()
}

/// The logit that the distribution expects: the derivative of `log Σ_k exp(β logit_k)` by β.
fn expected(logits: &[f64], inverse: f64) -> f64 {
    let mut weights = logits.to_vec();
    softmax_in_place(&mut weights, 1.0 / inverse);
    weights.iter().zip(logits).map(|(w, l)| w * l).sum()
}

fn check(logits: &[Vec<f64>], labels: &[usize]) -> Result<(), EvalError> {
    same_length("labels", labels.len(), "logits", logits.len())?;
    let first = logits.first().ok_or(EvalError::Empty { what: "logits" })?;
    for (row, (values, &label)) in logits.iter().zip(labels).enumerate() {
        if values.len() != first.len() {
            return Err(EvalError::RowWidth {
                row,
                found: values.len(),
                expected: first.len(),
            });
        }
        check_label("labels", row, label, values.len())?;
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(EvalError::OutOfRange {
                what: "a row of logits",
                index,
                value,
                allowed: "finite numbers",
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose labels follow `softmax(logits)` exactly.
    fn calibrated() -> (Vec<Vec<f64>>, Vec<usize>) {
        // Three of four rows are class 0: the logit of 0.75.
        let logits = vec![vec![3f64.ln(), 0.0]; 4];
        (logits, vec![0, 0, 0, 1])
    }

    #[test]
    fn a_calibrated_system_keeps_its_temperature() {
        let (logits, labels) = calibrated();
        let found = TemperatureScaling::fit(&logits, &labels).unwrap();
        assert!((found.temperature - 1.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn an_overconfident_system_is_flattened_by_its_factor() {
        let (mut logits, labels) = calibrated();
        logits.iter_mut().flatten().for_each(|l| *l *= 3.0);
        let found = TemperatureScaling::fit(&logits, &labels).unwrap();
        assert!((found.temperature - 3.0).abs() < 1e-10, "{found:?}");
        let p = found.apply_to_logits(&logits[0]);
        assert!((p[0] - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_system_that_is_always_right_or_wrong_stays_within_the_bounds() {
        // Sharpened until its loss is 0 in f64; flattened as far as allowed.
        let found = TemperatureScaling::fit(&[vec![1.0, 0.0]], &[0]).unwrap();
        assert_eq!(found.apply_to_logits(&[1.0, 0.0])[0], 1.0);
        assert!(found.temperature >= 1e-3, "{found:?}");
        let wrong = TemperatureScaling::fit(&[vec![1.0, 0.0]], &[1]).unwrap();
        assert!((wrong.temperature - 1e3).abs() < 1e-3, "{wrong:?}");
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(TemperatureScaling::fit(&[], &[]).is_err());
        assert!(TemperatureScaling::fit(&[vec![1.0]], &[1]).is_err());
        assert!(TemperatureScaling::fit(&[vec![f64::NAN, 0.0]], &[1]).is_err());
        assert!(TemperatureScaling::fit(&[vec![1.0, 0.0], vec![1.0]], &[0, 0]).is_err());
    }
}
