//! The softmax of a few numbers on the host.

/// `e^(x_i) / Σ_j e^(x_j)`, in f64, so that a distribution sums to 1 within an f64's rounding and no
/// score is rounded to f32. Logits go in as they are, log-probabilities too.
///
/// The largest number is taken off first, so that nothing overflows however large they are. A NaN, or
/// `+∞`, makes every probability NaN. Nothing gives nothing.
///
/// ```
/// let p = vector_math::softmax(&[3f64.ln(), 0.0]);
/// assert!((p[0] - 0.75).abs() < 1e-15 && (p[1] - 0.25).abs() < 1e-15);
/// assert_eq!(vector_math::softmax(&[1e9, 0.0]), [1.0, 0.0]);
/// ```
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let mut shares = logits.to_vec();
    softmax_in_place(&mut shares, 1.0);
    shares
}

/// [`softmax`] of `x_i / temperature`, in the place of the logits: above 1 flattens, below 1 sharpens
/// (Guo et al. 2017, arXiv 1706.04599). The temperature must be above 0.
///
/// ```
/// let mut row = [4.0 * 3f64.ln(), 0.0];
/// vector_math::softmax_in_place(&mut row, 4.0);
/// assert!((row[0] - 0.75).abs() < 1e-15 && (row[1] - 0.25).abs() < 1e-15);
/// ```
pub fn softmax_in_place(row: &mut [f64], temperature: f64) {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for x in &mut *row {
        *x = ((*x - most) / temperature).exp();
    }
    let sum: f64 = row.iter().sum();
    for x in row {
        *x /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_however_large_or_small_the_numbers() {
        assert_eq!(softmax(&[1e9, 0.0, -1e9]), [1.0, 0.0, 0.0]);
        let shares = softmax(&[-1_000.0, -1_001.0, -2_000.0]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[0] / shares[1] - 1.0_f64.exp()).abs() < 1e-9);
        assert!(softmax(&[]).is_empty());
        let mut extreme = [1e300, -1e300];
        softmax_in_place(&mut extreme, 1e-300);
        assert_eq!(extreme, [1.0, 0.0]);
    }

    #[test]
    fn what_is_no_number_is_not_hidden() {
        for broken in [f64::NAN, f64::INFINITY] {
            let shares = softmax(&[0.0, broken, 1.0]);
            assert!(shares.iter().all(|p| p.is_nan()), "{broken}: {shares:?}");
        }
    }
}
