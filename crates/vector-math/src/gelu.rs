//! GELU and its slope.
//!
//! With `φ` the density and `Φ` the distribution function of the standard normal distribution
//! (Hendrycks and Gimpel, arXiv 1606.08415):
//!
//! - `gelu(x) = x Φ(x)`
//! - `gelu'(x) = Φ(x) + x φ(x)`, because `Φ' = φ`
//!
//! Both come from the tail `Φ(-a)`, `a = |x|`, and one exponential, `E = e^(-a²/2)`:
//!
//! - `Φ(-a) ≈ E t P(t)`, `t = 1 / (1 + c a)`: the form of Abramowitz and Stegun 7.1.26, with a longer
//!   polynomial of our own. It keeps its digits in the tail, which `(1 + erf(x/√2)) / 2` loses there.
//! - `gelu(x) = max(x, 0) - a Φ(-a)`: for `x > 0`, `x Φ(x) = x - x Φ(-x)`; for `x < 0`, `x Φ(x) = -a Φ(-a)`
//! - `Φ(x) = Φ(-a)` for `x < 0` and `1 - Φ(-a)` otherwise
//! - `φ(x) = E / √(2π)`

use pulp::Simd;

use crate::exponential::polynomial;
use crate::{VectorFunction, exp};

/// `c` of `t = 1 / (1 + c a)`.
const TAIL_SCALE: f32 = 0.35;

/// `P`: `Φ(-a) e^(a²/2) / t` in powers of `t`, lowest first. Fitted by iteratively weighted least squares
/// to 1.8e-7 of the value where `e^(-a²/2)` is above 1e-2, and less tightly beyond.
const TAIL: [f32; 7] = [
    0.139_795_14,
    0.136_529_22,
    0.145_164_18,
    0.003_540_279,
    0.218_429_85,
    -0.189_402_3,
    0.045_943_726,
];

/// `1 / √(2π)`
const INVERSE_SQRT_TAU: f32 = 0.398_942_3;

/// `x Φ(x)` within 2.5e-7, and small where the value is small; NaN for NaN.
///
/// ```
/// use vector_math::pulp::Scalar;
/// assert!((vector_math::gelu(Scalar, 1.0) - 0.841_344_7).abs() < 2.5e-7);
/// assert_eq!(vector_math::gelu(Scalar, 0.0), 0.0);
/// ```
#[inline(always)]
pub fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let a = simd.abs_f32s(x);
    let (tail, _) = tail_and_bell(simd, a);
    simd.sub_f32s(positive_part(simd, x, a), simd.mul_f32s(tail, a))
}

/// `x Φ(x)`, to the bit that of [`gelu`], and its derivative `Φ(x) + x φ(x)` within 2.5e-7: what a
/// forward pass gives and its backward pass wants.
///
/// ```
/// use vector_math::pulp::Scalar;
/// let (value, slope) = vector_math::gelu_with_slope(Scalar, 0.0);
/// assert_eq!(value, 0.0);
/// assert!((slope - 0.5).abs() < 2.5e-7);
/// ```
#[inline(always)]
pub fn gelu_with_slope<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let a = simd.abs_f32s(x);
    let (tail, bell) = tail_and_bell(simd, a);
    let value = simd.sub_f32s(positive_part(simd, x, a), simd.mul_f32s(tail, a));
    let below = simd.less_than_f32s(x, simd.splat_f32s(0.0));
    let upper = simd.sub_f32s(simd.splat_f32s(1.0), tail);
    let distribution = simd.select_f32s(below, tail, upper);
    let density = simd.mul_f32s(bell, simd.splat_f32s(INVERSE_SQRT_TAU));
    (value, simd.mul_add_e_f32s(x, density, distribution))
}

/// `Φ(-a)` and `e^(-a²/2)` of `a ≥ 0`.
#[inline(always)]
fn tail_and_bell<S: Simd>(simd: S, a: S::f32s) -> (S::f32s, S::f32s) {
    let one = simd.splat_f32s(1.0);
    let t = simd.mul_add_e_f32s(a, simd.splat_f32s(TAIL_SCALE), one);
    let t = simd.div_f32s(one, t);
    let half_square = simd.mul_f32s(simd.mul_f32s(a, a), simd.splat_f32s(-0.5));
    let bell = exp(simd, half_square);
    let tail = simd.mul_f32s(polynomial(simd, t, &TAIL), t);
    (simd.mul_f32s(tail, bell), bell)
}

/// `max(x, 0)`, with `a = |x|`: not by `max`, which gives 0 for NaN on some processors.
#[inline(always)]
fn positive_part<S: Simd>(simd: S, x: S::f32s, a: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.add_f32s(x, a), simd.splat_f32s(0.5))
}

/// [`gelu`] for [`Instructions::map`](crate::Instructions::map).
///
/// ```
/// # use vector_math::{Gelu, Instructions};
/// let mut x = [0.0, 10.0];
/// Instructions::best().map(Gelu, &mut x);
/// assert_eq!(x, [0.0, 10.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gelu;

impl VectorFunction for Gelu {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        gelu(simd, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instructions;

    /// The slope alone.
    #[derive(Clone, Copy)]
    struct Slope;

    impl VectorFunction for Slope {
        #[inline(always)]
        fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
            gelu_with_slope(simd, x).1
        }
    }

    /// The value that comes with the slope.
    #[derive(Clone, Copy)]
    struct Value;

    impl VectorFunction for Value {
        #[inline(always)]
        fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
            gelu_with_slope(simd, x).0
        }
    }

    fn density(x: f64) -> f64 {
        (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    /// `Φ(x)` by a series of positive terms: `1/2 + φ(x) Σ x^(2n+1) / (1·3·5···(2n+1))`.
    fn distribution(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..400 {
            term *= x * x / f64::from(2 * n + 1);
            sum += term;
        }
        0.5 + sum * density(x)
    }

    fn assert_within(function: impl VectorFunction, exact: impl Fn(f64) -> f64, tolerance: f64) {
        let arguments: Vec<f32> = (-12_000..=12_000).map(|i| i as f32 * 1e-3).collect();
        for simd in Instructions::available() {
            let mut found = arguments.clone();
            simd.map(function, &mut found);
            for (&x, y) in arguments.iter().zip(found) {
                let error = (f64::from(y) - exact(f64::from(x))).abs();
                // Half a unit in the last place of the result is no error of ours.
                let allowed = tolerance + f64::from(y.abs() * f32::EPSILON);
                assert!(error < allowed, "{simd:?} {x}: {y}, {error:e} off");
            }
        }
    }

    #[test]
    fn value_and_slope_are_their_formulas() {
        assert_eq!(distribution(0.0), 0.5);
        assert!((distribution(1.0) - 0.841_344_746_068_543).abs() < 1e-14);
        assert_within(Gelu, |x| x * distribution(x), 1e-7);
        assert_within(Slope, |x| distribution(x) + x * density(x), 1.5e-7);
    }

    #[test]
    fn training_and_inference_compute_the_same_bits() {
        let arguments: Vec<f32> = (-800..=800).map(|i| i as f32 * 1e-2).collect();
        for simd in Instructions::available() {
            let [mut with, mut without] = [0, 1].map(|_| arguments.clone());
            simd.map(Value, &mut with);
            simd.map(Gelu, &mut without);
            assert_eq!(with, without, "{simd:?}");
        }
    }

    #[test]
    fn small_results_keep_their_digits() {
        for simd in Instructions::available() {
            let mut found = [-5.0, -4.0];
            simd.map(Gelu, &mut found);
            let exact = [-5.0 * 2.866_515_719e-7, -4.0 * 3.167_124_183e-5];
            for (found, exact) in found.iter().zip(exact) {
                assert!((f64::from(*found) / exact - 1.0).abs() < 1e-5, "{found}");
            }
        }
    }

    #[test]
    fn nan_is_not_hidden() {
        for simd in Instructions::available() {
            let [mut value, mut slope] = [0, 1].map(|_| [f32::NAN, 1.0]);
            simd.map(Gelu, &mut value);
            simd.map(Slope, &mut slope);
            for found in [value, slope] {
                assert!(found[0].is_nan() && found[1] > 0.7, "{simd:?} {found:?}");
            }
        }
    }
}
