//! Functions of vectors, number by number, as tests call them.

use pulp::{Simd, WithSimd};

use super::activation::Activation;
use super::exponential::exp;
use super::instructions::Instructions;

#[derive(Debug, Clone, Copy)]
pub(super) enum Function {
    Exp,
    Activation(Activation),
}

struct Map<'a>(Function, &'a mut [f32]);

impl WithSimd for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for numbers in self.1.chunks_mut(S::F32_LANES) {
            let x = simd.partial_load_f32s(numbers);
            let y = match self.0 {
                Function::Exp => exp(simd, x),
                Function::Activation(activation) => activation.apply(simd, x),
            };
            simd.partial_store_f32s(numbers, y);
        }
    }
}

/// The function of each number.
pub(super) fn map(simd: Instructions, function: Function, numbers: &[f32]) -> Vec<f32> {
    let mut numbers = numbers.to_vec();
    simd.dispatch(Map(function, &mut numbers));
    numbers
}
