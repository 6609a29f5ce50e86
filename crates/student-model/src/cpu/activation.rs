//! Activations of a vector.

use pulp::Simd;

use super::exponential::{exp, polynomial};

/// A function that is applied number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// `x`.
    Identity,
    /// `x Φ(x)`.
    Gelu,
    /// GELU by its tanh approximation.
    GeluNew,
    /// `max(x, 0)`.
    Relu,
    /// The pooler's.
    Tanh,
}

impl Activation {
    /// Every one of them lets NaN through.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Self::Identity => x,
            Self::Gelu => gelu(simd, x),
            Self::GeluNew => gelu_new(simd, x),
            Self::Relu => relu(simd, x),
            Self::Tanh => tanh(simd, x),
        }
    }
}

/// Not `max`, which gives 0 for NaN on some processors.
#[inline(always)]
fn relu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.add_f32s(x, simd.abs_f32s(x)), simd.splat_f32s(0.5))
}

/// `c` of `t = 1 / (1 + c a)`, see [`gelu`].
const TAIL_SCALE: f32 = 0.35;

/// `Φ(-a) e^(a²/2) / t` in powers of `t`, lowest first. Fitted by iteratively weighted least squares
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

/// `x Φ(x) = max(x, 0) - |x| Φ(-|x|)`: within 2.5e-7, and small where the value is small, which
/// `1 + erf` is not.
///
/// `Φ(-a) = e^(-a²/2) t P(t)` has the form of Abramowitz and Stegun 7.1.26, with our own coefficients.
#[inline(always)]
fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let a = simd.abs_f32s(x);
    let t = simd.div_f32s(
        one,
        simd.mul_add_e_f32s(a, simd.splat_f32s(TAIL_SCALE), one),
    );
    let density = exp(
        simd,
        simd.mul_f32s(simd.mul_f32s(a, a), simd.splat_f32s(-0.5)),
    );
    let tail = simd.mul_f32s(polynomial(simd, t, &TAIL), t);
    let tail = simd.mul_f32s(simd.mul_f32s(tail, density), a);
    simd.sub_f32s(relu(simd, x), tail)
}

/// `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`
#[inline(always)]
fn gelu_new<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const SCALE: f32 = 0.797_884_6; // √(2/π)
    let one = simd.splat_f32s(1.0);
    let square = simd.mul_f32s(x, x);
    let inner = simd.mul_add_e_f32s(square, simd.splat_f32s(0.044715), one);
    let inner = simd.mul_f32s(simd.mul_f32s(inner, x), simd.splat_f32s(SCALE));
    let gate = simd.add_f32s(one, tanh(simd, inner));
    simd.mul_f32s(simd.mul_f32s(x, simd.splat_f32s(0.5)), gate)
}

/// `1 - 2 / (e^(2x) + 1)`, within 2e-7.
#[inline(always)]
fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let power = exp(simd, simd.add_f32s(x, x));
    simd.sub_f32s(
        one,
        simd.div_f32s(simd.splat_f32s(2.0), simd.add_f32s(power, one)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::elementwise::{Function, map};
    use super::super::instructions::Instructions;
    use super::Activation;

    /// `Φ(x)` by a series of positive terms: `1/2 + φ(x) Σ x^(2n+1) / (1·3·5···(2n+1))`.
    fn normal_distribution(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..400 {
            term *= x * x / f64::from(2 * n + 1);
            sum += term;
        }
        0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    fn assert_within(activation: Activation, exact: impl Fn(f64) -> f64, tolerance: f64) {
        let arguments: Vec<f32> = (-12_000..=12_000).map(|i| i as f32 * 1e-3).collect();
        for simd in Instructions::available() {
            let found = map(simd, Function::Activation(activation), &arguments);
            for (&x, y) in arguments.iter().zip(found) {
                let error = (f64::from(y) - exact(f64::from(x))).abs();
                // Half a unit in the last place of the result is no error of ours.
                let allowed = tolerance + f64::from(y.abs() * f32::EPSILON);
                assert!(error < allowed, "{activation:?} {simd:?} {x}: {y}");
            }
        }
    }

    #[test]
    fn activations_are_their_formulas() {
        let gelu_new = |x: f64| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        };
        assert_eq!(normal_distribution(0.0), 0.5);
        assert!((normal_distribution(1.0) - 0.841_344_746_068_543).abs() < 1e-14);
        assert_within(Activation::Gelu, |x| x * normal_distribution(x), 1e-7);
        assert_within(Activation::GeluNew, gelu_new, 4e-7);
        assert_within(Activation::Tanh, f64::tanh, 2e-7);
        assert_within(Activation::Relu, |x| x.max(0.0), 0.0001e-7);
        assert_within(Activation::Identity, |x| x, 0.0001e-7);
    }

    #[test]
    fn small_results_of_gelu_keep_their_digits() {
        for simd in Instructions::available() {
            let found = map(simd, Function::Activation(Activation::Gelu), &[-5.0, -4.0]);
            let exact = [-5.0 * 2.866_515_719e-7, -4.0 * 3.167_124_183e-5];
            for (found, exact) in found.iter().zip(exact) {
                assert!((f64::from(*found) / exact - 1.0).abs() < 1e-5, "{found}");
            }
        }
    }

    #[test]
    fn no_activation_hides_nan() {
        use Activation::{Gelu, GeluNew, Identity, Relu, Tanh};
        for simd in Instructions::available() {
            for activation in [Gelu, GeluNew, Identity, Relu, Tanh] {
                let found = map(simd, Function::Activation(activation), &[f32::NAN, 1.0]);
                assert!(
                    found[0].is_nan() && found[1] > 0.7,
                    "{activation:?} {found:?}"
                );
            }
        }
    }
}
