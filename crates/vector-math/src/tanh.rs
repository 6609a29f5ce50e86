//! The hyperbolic tangent, and GELU's approximation by it.

use pulp::Simd;

use crate::{VectorFunction, exp};

/// `tanh x = 1 - 2 / (e^(2x) + 1)`, within 2e-7 of it; NaN for what is not finite.
///
/// ```
/// use vector_math::pulp::Scalar;
/// assert!((vector_math::tanh(Scalar, 0.5) - 0.5f32.tanh()).abs() < 2e-7);
/// ```
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let power = exp(simd, simd.add_f32s(x, x));
    let half_gap = simd.div_f32s(simd.splat_f32s(2.0), simd.add_f32s(power, one));
    // `x - x`: the power of -∞ is an honest 0, but whence the -∞?
    simd.add_f32s(simd.sub_f32s(one, half_gap), simd.sub_f32s(x, x))
}

/// GELU by its tanh approximation, `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, within 4e-7
/// (Hendrycks and Gimpel, arXiv 1606.08415, section 2): `gelu_new` in `transformers`.
///
/// ```
/// use vector_math::pulp::Scalar;
/// assert!((vector_math::gelu_tanh(Scalar, 1.0) - 0.841_192).abs() < 4e-7);
/// ```
#[inline(always)]
pub fn gelu_tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const SCALE: f32 = 0.797_884_6; // √(2/π)
    let one = simd.splat_f32s(1.0);
    let square = simd.mul_f32s(x, x);
    let inner = simd.mul_add_e_f32s(square, simd.splat_f32s(0.044715), one);
    let inner = simd.mul_f32s(simd.mul_f32s(inner, x), simd.splat_f32s(SCALE));
    let gate = simd.add_f32s(one, tanh(simd, inner));
    simd.mul_f32s(simd.mul_f32s(x, simd.splat_f32s(0.5)), gate)
}

/// [`tanh`] for [`Instructions::map`](crate::Instructions::map).
///
/// ```
/// # use vector_math::{Instructions, Tanh};
/// let mut x = [0.0, 9.5];
/// Instructions::best().map(Tanh, &mut x);
/// assert_eq!(x, [0.0, 1.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tanh;

impl VectorFunction for Tanh {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        tanh(simd, x)
    }
}

/// [`gelu_tanh`] for [`Instructions::map`](crate::Instructions::map).
///
/// ```
/// # use vector_math::{GeluTanh, Instructions};
/// let mut x = [0.0, 10.0];
/// Instructions::best().map(GeluTanh, &mut x);
/// assert_eq!(x, [0.0, 10.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeluTanh;

impl VectorFunction for GeluTanh {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        gelu_tanh(simd, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instructions;

    fn assert_within(function: impl VectorFunction, exact: impl Fn(f64) -> f64, tolerance: f64) {
        let arguments: Vec<f32> = (-12_000..=12_000).map(|i| i as f32 * 1e-3).collect();
        for simd in Instructions::available() {
            let mut found = arguments.clone();
            simd.map(function, &mut found);
            for (&x, y) in arguments.iter().zip(found) {
                let error = (f64::from(y) - exact(f64::from(x))).abs();
                // Half a unit in the last place of the result is no error of ours.
                let allowed = tolerance + f64::from(y.abs() * f32::EPSILON);
                assert!(error < allowed, "{simd:?} {x}: {y}");
            }
        }
    }

    #[test]
    fn functions_are_their_formulas() {
        assert_within(Tanh, f64::tanh, 2e-7);
        let gelu_tanh = |x: f64| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        };
        assert_within(GeluTanh, gelu_tanh, 4e-7);
    }

    #[test]
    fn far_arguments_saturate_and_broken_ones_are_nan() {
        for simd in Instructions::available() {
            let mut x = [-1e30, -50.0, 50.0, 1e30];
            simd.map(Tanh, &mut x);
            assert_eq!(x, [-1.0, -1.0, 1.0, 1.0], "{simd:?}");
            for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut x = [broken, 1.0];
                simd.map(Tanh, &mut x);
                assert!(x[0].is_nan() && x[1] > 0.7, "{simd:?} {broken} {x:?}");
            }
            let mut x = [f32::NAN, 1.0];
            simd.map(GeluTanh, &mut x);
            assert!(x[0].is_nan() && x[1] > 0.7, "{simd:?} {x:?}");
        }
    }
}
