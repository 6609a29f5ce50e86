//! Activations of a vector.

use vector_math::pulp::Simd;
use vector_math::{VectorFunction, gelu, gelu_tanh, tanh};

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

impl VectorFunction for Activation {
    /// Every one of them lets NaN through.
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Self::Identity => x,
            Self::Gelu => gelu(simd, x),
            Self::GeluNew => gelu_tanh(simd, x),
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

#[cfg(test)]
mod tests {
    use vector_math::Instructions;

    use super::Activation::{self, Gelu, GeluNew, Identity, Relu, Tanh};

    fn of(activation: Activation, simd: Instructions, x: [f32; 4]) -> [f32; 4] {
        let mut found = x;
        simd.map(activation, &mut found);
        found
    }

    #[test]
    fn each_name_has_its_function() {
        for simd in Instructions::available() {
            let x = [-1.5, -0.25, 0.5, 2.0];
            assert_eq!(of(Identity, simd, x), x);
            assert_eq!(of(Relu, simd, x), [0.0, 0.0, 0.5, 2.0]);
            // To six digits; their own tests are in `vector-math`.
            let expected = [
                (Gelu, [-0.100_210_8, -0.100_323_4, 0.345_731_2, 1.954_499_7]),
                (
                    GeluNew,
                    [-0.100_428_2, -0.100_324_6, 0.345_714, 1.954_597_7],
                ),
                (Tanh, [-0.905_148_2, -0.244_918_7, 0.462_117_2, 0.964_027_6]),
            ];
            for (activation, expected) in expected {
                for (found, expected) in of(activation, simd, x).into_iter().zip(expected) {
                    assert!(
                        (found - expected).abs() < 1e-6,
                        "{activation:?} {simd:?}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_activation_hides_nan() {
        for simd in Instructions::available() {
            for activation in [Gelu, GeluNew, Identity, Relu, Tanh] {
                let found = of(activation, simd, [f32::NAN, 1.0, 1.0, 1.0]);
                assert!(
                    found[0].is_nan() && found[1] > 0.7,
                    "{activation:?} {found:?}"
                );
            }
        }
    }
}
