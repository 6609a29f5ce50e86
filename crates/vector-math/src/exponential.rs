//! `e^x` of a vector.
//!
//! With `n` the integer next to `x / ln 2` and `r = x - n ln 2`, `|r| ≤ ln 2 / 2`:
//!
//! `e^x = 2^n e^r`, `e^r ≈ 1 + r + r² P(r)`.
//!
//! - `n` comes without a conversion: adding `1.5 · 2^23` leaves no bit for a fraction, so the sum is
//!   rounded to the nearest integer, which then stands in its lowest bits.
//! - `ln 2` is subtracted in two parts. The first has so few bits that its product with `n` is exact;
//!   the second brings the digits that it lacks. So `r` keeps its own.
//! - `P` is Cephes' polynomial of `expf` (Moshier 1992), and its two lowest terms are exact: near 0 the
//!   result is `1 + r` to the last bit.
//! - `2^n` is a shift of `n` into the exponent bits, added to those of `e^r`.
//!
//! No branch, so that the whole is some twenty instructions on any vector.

use pulp::Simd;

use crate::VectorFunction;

/// `ln 2^-126`: below it `e^x` is no normal f32.
const LOWEST: f32 = -87.336_54;

/// `127.5 ln 2`: beyond it `n` would be 128, which has no exponent bits.
const HIGHEST: f32 = 88.376_26;

/// `1.5 · 2^23`: a sum with it has its integer part in its lowest bits.
const SHIFTER: f32 = 12_582_912.0;

/// `ln 2` in two parts: a product of the first with an integer below 2^9 is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `(e^r - 1 - r) / r²` on `|r| ≤ ln 2 / 2`, lowest power first.
const POLYNOMIAL: [f32; 6] = [
    5e-1,
    1.666_666_5e-1,
    4.166_579_6e-2,
    8.333_452e-3,
    1.398_199_9e-3,
    1.987_569_1e-4,
];

/// `e^x` within 2 units in the last place.
///
/// - exactly 1 at 0; exactly 0 below -87.34, where the result would be no normal number, and at `-∞`
/// - what lies above 88.37 counts as 88.37, 2.4e38
/// - NaN for NaN and for `+∞`, so that a broken weight cannot hide
///
/// ```
/// use vector_math::pulp::{Scalar, Simd};
///
/// // One number at a time is a vector too.
/// let found = vector_math::exp(Scalar, -0.5);
/// assert!((found / (-0.5f32).exp() - 1.0).abs() < 3e-7);
/// ```
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let constant = |value| simd.splat_f32s(value);
    let vanishes = simd.less_than_f32s(x, constant(LOWEST));
    let nan_or_zero = simd.sub_f32s(x, x); // `min` of NaN is a number on some processors
    let x = simd.min_f32s(constant(HIGHEST), x);
    let shifted = simd.mul_add_e_f32s(x, constant(std::f32::consts::LOG2_E), constant(SHIFTER));
    let n = simd.sub_f32s(shifted, constant(SHIFTER));
    let r = simd.mul_add_e_f32s(n, constant(-LN_2_HIGH), x);
    let r = simd.mul_add_e_f32s(n, constant(-LN_2_LOW), r);
    let tail = polynomial(simd, r, &POLYNOMIAL);
    let power = simd.mul_add_e_f32s(simd.mul_f32s(r, r), tail, simd.add_f32s(r, constant(1.0)));
    // Adds n to the exponent. Bits of the shifter above the integer fall off the top.
    let n = simd.transmute_u32s_f32s(shifted);
    let n = simd.wrapping_dyn_shl_u32s(n, simd.splat_u32s(23));
    let power = simd.add_u32s(simd.transmute_u32s_f32s(power), n);
    let power = simd.add_f32s(simd.transmute_f32s_u32s(power), nan_or_zero);
    // Whatever stands there far below.
    simd.select_f32s(vanishes, constant(0.0), power)
}

/// `Σ c_i x^i`, lowest power first, by Horner's rule.
#[inline(always)]
pub(crate) fn polynomial<S: Simd>(simd: S, x: S::f32s, coefficients: &[f32]) -> S::f32s {
    let mut powers = coefficients.iter().rev();
    let highest = powers.next().copied().unwrap_or(0.0);
    powers.fold(simd.splat_f32s(highest), |sum, &c| {
        simd.mul_add_e_f32s(sum, x, simd.splat_f32s(c))
    })
}

/// [`exp`] for [`Instructions::map`](crate::Instructions::map).
///
/// ```
/// # use vector_math::{Exp, Instructions};
/// let mut x = [0.0, -90.0];
/// Instructions::best().map(Exp, &mut x);
/// assert_eq!(x, [1.0, 0.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exp;

impl VectorFunction for Exp {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        exp(simd, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instructions;

    #[test]
    fn powers_are_within_two_units_in_the_last_place() {
        let steps = (-87_336..=88_376).map(|i| i as f32 * 1e-3);
        let arguments: Vec<f32> = steps.chain([LOWEST, HIGHEST, 1e-30, -1e-30]).collect();
        for simd in Instructions::available() {
            let mut powers = arguments.clone();
            simd.map(Exp, &mut powers);
            let error = |(&x, power): (&f32, f32)| {
                let exact = f64::from(x).exp();
                assert!(power >= f32::MIN_POSITIVE, "{simd:?} {x} {power}");
                (f64::from(power) / exact - 1.0).abs()
            };
            let worst = arguments.iter().zip(powers).map(error).fold(0.0, f64::max);
            assert!(worst < 2.0 * f64::from(f32::EPSILON), "{simd:?} {worst:e}");
        }
    }

    #[test]
    fn what_is_far_off_is_zero_or_the_bound_and_what_is_broken_is_nan() {
        for simd in Instructions::available() {
            let mut x = [-87.34, -1e9, -1e30, f32::MIN, f32::NEG_INFINITY];
            simd.map(Exp, &mut x);
            assert_eq!(x, [0.0; 5], "{simd:?}");
            let mut x = [0.0, -0.0, HIGHEST, 100.0, f32::MAX];
            simd.map(Exp, &mut x);
            assert_eq!([x[0], x[1]], [1.0; 2], "{simd:?}");
            assert!(x[2] > 2.3e38 && x[2..] == [x[2]; 3], "{simd:?} {x:?}");
            let mut x = [f32::NAN, f32::INFINITY];
            simd.map(Exp, &mut x);
            assert!(x.iter().all(|x| x.is_nan()), "{simd:?} {x:?}");
        }
    }
}
