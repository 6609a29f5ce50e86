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
    0.003_540_279_1,
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
