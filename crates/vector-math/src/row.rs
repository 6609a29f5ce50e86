//! The two passes of a row's softmax: `p_i = e^(x_i - m) / Σ_j e^(x_j - m)`, `m = max_j x_j`.
//!
//! The caller divides, because what a softmax is for comes into the same pass: attention divides the
//! sums of values instead of the weights, training multiplies by dropout's factors, a loss wants
//! `ln Σ`. The sum's order depends on the row's length and the instruction set alone.

use pulp::Simd;

use crate::exp;

/// The largest number of a row, `-∞` of none. Where a number is NaN it may be any of them, or NaN: the
/// exponentials will tell.
///
/// ```
/// use vector_math::pulp::Scalar;
/// assert_eq!(vector_math::largest(Scalar, &[-3.0, -1.0, -2.0]), -1.0);
/// ```
#[inline(always)]
pub fn largest<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let lowest = simd.splat_f32s(f32::NEG_INFINITY);
    let (vectors, rest) = S::as_simd_f32s(row);
    let most = vectors.iter().fold(lowest, |m, &x| simd.max_f32s(m, x));
    let most = if rest.is_empty() {
        most
    } else {
        let real = simd.mask_between_m32s(0, rest.len() as u32).mask();
        let x = simd.select_f32s(real, simd.partial_load_f32s(rest), lowest);
        simd.max_f32s(most, x)
    };
    simd.reduce_max_f32s(most)
}

/// `e^(x - shift)` of each number of a row, in place; their sum. As [`exp`] in what is zero and what is
/// NaN: one NaN, and the sum is NaN.
///
/// With the [`largest`] as `shift` nothing overflows and the sum is at least 1; with `ln Σ e^x` of an
/// earlier pass the results are the probabilities.
///
/// ```
/// use vector_math::pulp::Scalar;
/// let mut row = [2f32.ln(), 0.0, -1e9];
/// assert!((vector_math::exponentiate(Scalar, &mut row, 0.0) - 3.0).abs() < 1e-6);
/// assert_eq!(row[1..], [1.0, 0.0]);
/// ```
#[inline(always)]
pub fn exponentiate<S: Simd>(simd: S, row: &mut [f32], shift: f32) -> f32 {
    let (shift, zero) = (simd.splat_f32s(shift), simd.splat_f32s(0.0));
    let (vectors, rest) = S::as_mut_simd_f32s(row);
    let mut sum = zero;
    for x in vectors {
        *x = exp(simd, simd.sub_f32s(*x, shift));
        sum = simd.add_f32s(sum, *x);
    }
    if !rest.is_empty() {
        let real = simd.mask_between_m32s(0, rest.len() as u32).mask();
        let x = exp(simd, simd.sub_f32s(simd.partial_load_f32s(rest), shift));
        simd.partial_store_f32s(rest, x);
        sum = simd.add_f32s(sum, simd.select_f32s(real, x, zero));
    }
    simd.reduce_sum_f32s(sum)
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::Instructions;

    /// Leaves powers; gives the largest and the sum.
    struct Passes<'a>(&'a mut [f32]);

    impl WithSimd for Passes<'_> {
        type Output = [f32; 2];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [f32; 2] {
            let most = largest(simd, self.0);
            [most, exponentiate(simd, self.0, most)]
        }
    }

    #[test]
    fn rows_of_any_length_are_exponentiated_and_summed() {
        for simd in Instructions::available() {
            for n in [1, 2, 7, 8, 9, 15, 16, 17, 40, 129] {
                let numbers: Vec<f32> = (0..n).map(|i| (i * 7 % 5) as f32 - 30.0).collect();
                let mut row = numbers.clone();
                let [most, sum] = simd.dispatch(Passes(&mut row));
                let expected = numbers.iter().copied().fold(f32::MIN, f32::max);
                assert_eq!(most, expected, "{simd:?} {n}");
                let exact = |x: f32| f64::from(x - most).exp();
                let exact_sum: f64 = numbers.iter().map(|&x| exact(x)).sum();
                assert!((f64::from(sum) / exact_sum - 1.0).abs() < 1e-6, "{simd:?}");
                for (found, x) in row.iter().zip(numbers) {
                    assert!((f64::from(*found) - exact(x)).abs() < 3e-7, "{simd:?} {n}");
                }
            }
            assert_eq!(
                simd.dispatch(Passes(&mut [])),
                [f32::NEG_INFINITY, 0.0],
                "{simd:?}"
            );
        }
    }

    #[test]
    fn a_broken_number_breaks_the_sum_wherever_it_stands() {
        for simd in Instructions::available() {
            for (place, broken) in [(0, f32::NAN), (16, f32::NAN), (3, f32::INFINITY)] {
                let mut row = [0.5; 19];
                row[place] = broken;
                let [_, sum] = simd.dispatch(Passes(&mut row));
                assert!(sum.is_nan(), "{simd:?} {place} {broken}");
            }
        }
    }
}
