//! A function applied to every number of a slice.

use pulp::{Simd, WithSimd};

/// A function of one number, as a function of vectors: number by number, whatever stands beside it.
///
/// ```
/// use vector_math::pulp::Simd;
/// use vector_math::{Instructions, VectorFunction};
///
/// /// `x²`
/// #[derive(Clone, Copy)]
/// struct Square;
///
/// impl VectorFunction for Square {
///     #[inline(always)]
///     fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
///         simd.mul_f32s(x, x)
///     }
/// }
/// let mut x = [1.0, -2.0, 3.0];
/// Instructions::best().map(Square, &mut x);
/// assert_eq!(x, [1.0, 4.0, 9.0]);
/// ```
pub trait VectorFunction: Copy {
    /// The function of each number of `x`. Implementations are `#[inline(always)]`.
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;
}

pub(crate) struct Map<'a, F> {
    pub(crate) function: F,
    pub(crate) numbers: &'a mut [f32],
}

impl<F: VectorFunction> WithSimd for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (vectors, rest) = S::as_mut_simd_f32s(self.numbers);
        for x in vectors {
            *x = self.function.apply(simd, *x);
        }
        if !rest.is_empty() {
            let y = self.function.apply(simd, simd.partial_load_f32s(rest));
            simd.partial_store_f32s(rest, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Exp, Instructions};

    #[test]
    fn a_number_gets_the_same_bits_wherever_it_stands() {
        for simd in Instructions::available() {
            let x: Vec<f32> = (0..37).map(|i| (i * 7 % 11) as f32 - 6.3).collect();
            let mut all = x.clone();
            simd.map(Exp, &mut all);
            for length in 0..37 {
                let mut first = x[..length].to_vec();
                simd.map(Exp, &mut first);
                assert_eq!(first, all[..length], "{simd:?} {length}");
            }
        }
    }
}
