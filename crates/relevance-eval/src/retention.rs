//! How much of the teacher a student keeps.

use crate::EvalError;

/// `student / teacher` of one figure on the same rows: the share of the teacher's quality that is
/// kept; above 1 the student is better.
///
/// ```
/// use relevance_eval::retention;
///
/// assert_eq!(retention(0.5, 0.625)?, 0.8);
/// assert!(retention(0.5, 0.0).is_err());
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// [`EvalError::Undefined`] if the teacher's figure is 0 or either is not finite.
pub fn retention(student: f64, teacher: f64) -> Result<f64, EvalError> {
    ratio(
        student,
        teacher,
        "retention",
        "the teacher's figure must be finite and not 0",
    )
}

/// `(student − base) / (teacher − base)`: the share of the teacher's lead over a baseline that the
/// student recovers. `base` is the student without the teacher.
///
/// ```
/// use relevance_eval::gain_recovered;
///
/// // The teacher leads by 0.5, the student by 0.25.
/// assert_eq!(gain_recovered(0.75, 0.5, 1.0)?, 0.5);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// [`EvalError::Undefined`] if teacher and base are equal or any is not finite.
pub fn gain_recovered(student: f64, base: f64, teacher: f64) -> Result<f64, EvalError> {
    ratio(
        student - base,
        teacher - base,
        "gain recovered",
        "teacher and base must be finite and differ",
    )
}

fn ratio(
    above: f64,
    below: f64,
    figure: &'static str,
    reason: &'static str,
) -> Result<f64, EvalError> {
    let ratio = above / below;
    if ratio.is_finite() && below != 0.0 {
        return Ok(ratio);
    }
    Err(EvalError::Undefined { figure, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_what_they_say_or_an_error() {
        assert_eq!(retention(0.6, 0.8).unwrap(), 0.6 / 0.8);
        assert!((gain_recovered(0.7, 0.5, 0.9).unwrap() - 0.5).abs() < 1e-12);
        assert!(retention(0.5, 0.0).is_err());
        assert!(retention(0.0, 0.0).is_err());
        assert!(gain_recovered(0.5, 0.4, 0.4).is_err());
        assert!(retention(f64::NAN, 0.5).is_err());
    }
}
