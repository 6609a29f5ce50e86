//! `e^x` of a vector.

use pulp::Simd;

/// Below it `e^x` is no normal f32; above [`HIGHEST`] it is none at all.
const LOWEST: f32 = -87.336_54;
const HIGHEST: f32 = 88.376_26;

/// `1.5 · 2^23`: a sum with it has its integer part in its lowest bits.
const SHIFTER: f32 = 12_582_912.0;

/// `ln 2` in two parts: a product of the first with an integer below 2^9 is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `(e^r - 1 - r) / r²` on `|r| ≤ ln 2 / 2`, lowest power first: Cephes' `expf` (Moshier 1992).
const POLYNOMIAL: [f32; 6] = [
    5e-1,
    1.666_666_5e-1,
    4.166_579_6e-2,
    8.333_452e-3,
    1.398_199_9e-3,
    1.987_569_1e-4,
];

/// `e^x` within 2 units in the last place; arguments outside [-87.3, 88.3] count as these bounds, and
/// what is not finite gives NaN, so that a broken weight cannot hide.
///
/// `e^x = 2^n e^r` with `n` the integer next to `x / ln 2`.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let constant = |value| simd.splat_f32s(value);
    let nan_or_zero = simd.sub_f32s(x, x); // `max` of NaN is a number on some processors
    let x = simd.min_f32s(constant(HIGHEST), simd.max_f32s(constant(LOWEST), x));
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
    simd.add_f32s(simd.transmute_f32s_u32s(power), nan_or_zero)
}

/// `Σ c_i x^i`, by Horner's rule.
#[inline(always)]
pub(super) fn polynomial<S: Simd>(simd: S, x: S::f32s, coefficients: &[f32]) -> S::f32s {
    let mut powers = coefficients.iter().rev();
    let highest = powers.next().copied().unwrap_or(0.0);
    powers.fold(simd.splat_f32s(highest), |sum, &c| {
        simd.mul_add_e_f32s(sum, x, simd.splat_f32s(c))
    })
}

#[cfg(test)]
mod tests {
    use super::super::elementwise::{Function, map};
    use super::super::instructions::Instructions;

    #[test]
    fn powers_are_within_two_units_in_the_last_place() {
        let arguments: Vec<f32> = (-87_300..=88_300).map(|i| i as f32 * 1e-3).collect();
        for simd in Instructions::available() {
            let powers = map(simd, Function::Exp, &arguments);
            for (&x, power) in arguments.iter().zip(powers) {
                let exact = f64::from(x).exp();
                let error = (f64::from(power) / exact - 1.0).abs();
                assert!(
                    error < 2.0 * f64::from(f32::EPSILON),
                    "{simd:?} {x} {power}"
                );
            }
        }
    }

    #[test]
    fn far_arguments_are_bounds_and_others_are_nan() {
        for simd in Instructions::available() {
            let [low, zero, nan, infinite] = [-1e30, 0.0, f32::NAN, f32::NEG_INFINITY];
            let powers = map(simd, Function::Exp, &[low, zero, nan, infinite]);
            assert!(powers[0] > 0.0 && powers[0] < 1.2e-38, "{powers:?}");
            assert_eq!(powers[1], 1.0);
            assert!(powers[2].is_nan() && powers[3].is_nan());
        }
    }
}
