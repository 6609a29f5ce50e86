//! Holm's correction of several tests at once.

use crate::EvalError;

/// p values adjusted so that the chance of any false rejection stays at the level (Holm 1979): sorted
/// ascending, the i-th of m is multiplied by `m − i + 1`, never falls below the one before, and is at
/// most 1. In the order given.
///
/// ```
/// let adjusted = relevance_eval::holm(&[0.01, 0.04, 0.03])?;
/// // 3 · 0.01; then 2 · 0.03; then 1 · 0.04, which may not fall below the one before.
/// assert_eq!(adjusted, [0.03, 0.06, 0.06]);
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// A p value outside [0, 1].
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, EvalError> {
    let outside = |p: &f64| !(0.0..=1.0).contains(p);
    if let Some((index, &value)) = p_values.iter().enumerate().find(|(_, p)| outside(p)) {
        return Err(EvalError::OutOfRange {
            what: "p_values",
            index,
            value,
            allowed: "0 to 1",
        });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let factor = (p_values.len() - rank) as f64;
        least = least.max((p_values[index] * factor).min(1.0));
        adjusted[index] = least;
    }
    Ok(adjusted)
}
