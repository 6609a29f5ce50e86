//! Temperature scaling: one number that makes a classifier's probabilities honest.
//!
//! Guo et al. 2017 (arXiv 1706.04599), section 4.2: `p = softmax(logits / T)` with the `T` that
//! minimises the negative log-likelihood on held-out rows. The predicted class never changes.

// With β = 1/T, L(β) = Σ_i (β l_i,gold(i) − log Σ_k exp(β l_ik)) is concave: its derivative
//   L'(β) = Σ_i (l_i,gold(i) − Σ_k p_ik(β) l_ik)
// is the logit of the gold class less the one that the distribution expects, and falls with β (its own
// derivative is minus a sum of variances). So the maximum is found by halving an interval of ln β on the
// sign of the derivative.

use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
use vector_math::softmax_in_place;

use crate::confusion::check_label;
use crate::lengths::same_length;
use crate::matrix::matrix;
use crate::{EvalError, Predictions, ToMatrix};

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
    /// This temperature.
    ///
    /// ```
    /// use relevance_eval::TemperatureScaling;
    ///
    /// assert_eq!(TemperatureScaling::new(2.0)?.temperature, 2.0);
    /// let refused = TemperatureScaling::new(0.0).unwrap_err().to_string();
    /// assert_eq!(refused, "`temperature` is 0, allowed: a finite number above 0");
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// As [`TemperatureScaling::validate`].
    pub fn new(temperature: f64) -> Result<Self, EvalError> {
        let scaling = Self { temperature };
        scaling.validate()?;
        Ok(scaling)
    }

    /// Checks the temperature.
    ///
    /// ```
    /// # use relevance_eval::TemperatureScaling;
    /// assert!(TemperatureScaling { temperature: f64::NAN }.validate().is_err());
    /// ```
    ///
    /// # Errors
    /// [`EvalError::InvalidConfig`] unless it is finite and above 0.
    pub fn validate(&self) -> Result<(), EvalError> {
        if self.temperature.is_finite() && self.temperature > 0.0 {
            return Ok(());
        }
        Err(EvalError::InvalidConfig {
            field: "temperature",
            value: self.temperature.to_string(),
            allowed: "a finite number above 0",
        })
    }

    /// The temperature that minimises the mean negative log-likelihood of `labels` under
    /// `softmax(logits / T)`, within 0.001 and 1000; `logits` are `[rows, classes]`
    /// ([`ToMatrix`]). Logarithms of probabilities serve as logits.
    ///
    /// ```
    /// use relevance_eval::TemperatureScaling;
    ///
    /// // Sure to odds of 9 to 1, right in three of four: that is odds of 3 to 1, half the logit.
    /// let logits = [[9_f64.ln(), 0.0]; 4];
    /// let found = TemperatureScaling::fit(&logits, &[0, 0, 0, 1])?;
    /// assert!((found.temperature - 2.0).abs() < 1e-9);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// No rows, rows of differing widths, a label outside them, a logit that is not finite.
    pub fn fit<M: ToMatrix + ?Sized>(logits: &M, labels: &[usize]) -> Result<Self, EvalError> {
        let logits = matrix("logits", logits, None)?;
        check(logits.view(), labels)?;
        let slope = |inverse: f64| -> f64 {
            let rows = logits.rows().into_iter().zip(labels);
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
    /// ```
    /// use relevance_eval::{Predictions, TemperatureScaling};
    ///
    /// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
    /// let sure = Predictions::new(&["q"; 4], &[0, 0, 0, 1], &[[0.9, 0.1]; 4], &classes)?;
    /// let found = TemperatureScaling::fit_predictions(&sure)?;
    /// assert!((found.temperature - 2.0).abs() < 1e-9);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// None that the predictions do not already exclude.
    pub fn fit_predictions(predictions: &Predictions<'_>) -> Result<Self, EvalError> {
        Self::fit(&ln(predictions.probabilities.view()), predictions.gold)
    }

    /// The class distributions of logits, `softmax(logits / T)`: `[rows, classes]` in and out.
    ///
    /// ```
    /// use relevance_eval::TemperatureScaling;
    ///
    /// let probabilities = TemperatureScaling::new(2.0)?.apply_to_logits(&[[9_f64.ln(), 0.0]])?;
    /// assert!((probabilities[[0, 0]] - 0.75).abs() < 1e-12); // odds of 3 to 1
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`TemperatureScaling::validate`]; rows of differing widths, a logit that is not finite.
    pub fn apply_to_logits<M: ToMatrix + ?Sized>(
        &self,
        logits: &M,
    ) -> Result<Array2<f64>, EvalError> {
        self.validate()?;
        let mut scaled = matrix("logits", logits, None)?.into_owned();
        check_finite(scaled.view())?;
        for mut row in scaled.rows_mut() {
            let mut probabilities = row.to_vec();
            softmax_in_place(&mut probabilities, self.temperature);
            row.assign(&ArrayView1::from(&probabilities));
        }
        Ok(scaled)
    }

    /// The distributions at this temperature of those that were made at temperature 1:
    /// `[rows, classes]` in and out.
    ///
    /// ```
    /// use relevance_eval::TemperatureScaling;
    ///
    /// let probabilities = TemperatureScaling::new(2.0)?.apply(&[[0.9, 0.1]])?;
    /// assert!((probabilities[[0, 0]] - 0.75).abs() < 1e-12); // from odds of 9 to those of √9
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`TemperatureScaling::apply_to_logits`].
    pub fn apply<M: ToMatrix + ?Sized>(&self, probabilities: &M) -> Result<Array2<f64>, EvalError> {
        let probabilities = matrix("probabilities", probabilities, None)?;
        self.apply_to_logits(&ln(probabilities.view()))
    }
}

fn ln(probabilities: ArrayView2<'_, f64>) -> Array2<f64> {
    probabilities.mapv(|p| p.max(LEAST).ln())
}

/// The logit that the distribution expects: the derivative of `log Σ_k exp(β logit_k)` by β.
fn expected(logits: ArrayView1<'_, f64>, inverse: f64) -> f64 {
    let mut weights = logits.to_vec();
    softmax_in_place(&mut weights, 1.0 / inverse);
    weights.iter().zip(logits).map(|(w, l)| w * l).sum()
}

fn check(logits: ArrayView2<'_, f64>, labels: &[usize]) -> Result<(), EvalError> {
    if labels.is_empty() {
        return Err(EvalError::Empty { what: "labels" });
    }
    same_length("logits", logits.nrows(), "labels", labels.len())?;
    for (row, &label) in labels.iter().enumerate() {
        check_label("labels", row, label, logits.ncols())?;
    }
    check_finite(logits)
}

fn check_finite(logits: ArrayView2<'_, f64>) -> Result<(), EvalError> {
    match logits.iter().enumerate().find(|(_, l)| !l.is_finite()) {
        None => Ok(()),
        Some((at, &value)) => Err(EvalError::OutOfRange {
            what: "logits",
            index: at / logits.ncols(),
            value,
            allowed: "rows of finite numbers",
        }),
    }
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
        let p = found.apply_to_logits(&logits).unwrap();
        assert!((p[[0, 0]] - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_system_that_is_always_right_or_wrong_stays_within_the_bounds() {
        // Sharpened until its loss is 0 in f64; flattened as far as allowed.
        let found = TemperatureScaling::fit(&[[1.0, 0.0]], &[0]).unwrap();
        assert_eq!(found.apply_to_logits(&[[1.0, 0.0]]).unwrap()[[0, 0]], 1.0);
        assert!(found.temperature >= 1e-3, "{found:?}");
        let wrong = TemperatureScaling::fit(&[[1.0, 0.0]], &[1]).unwrap();
        assert!((wrong.temperature - 1e3).abs() < 1e-3, "{wrong:?}");
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(TemperatureScaling::fit::<[[f64; 2]]>(&[], &[]).is_err());
        assert!(TemperatureScaling::fit(&[vec![1.0]], &[1]).is_err());
        assert!(TemperatureScaling::fit(&[vec![f64::NAN, 0.0]], &[1]).is_err());
        assert!(TemperatureScaling::fit(&[vec![1.0, 0.0], vec![1.0]], &[0, 0]).is_err());
        let backwards = TemperatureScaling { temperature: -1.0 };
        assert!(backwards.apply(&[[0.5, 0.5]]).is_err());
        let ours = TemperatureScaling::new(1.0).unwrap();
        let refused = ours.apply_to_logits(&[[0.0, 1.0], [0.0, f64::INFINITY]]);
        assert!(matches!(
            refused,
            Err(EvalError::OutOfRange { index: 1, .. })
        ));
    }
}
