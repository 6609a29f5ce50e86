//! The bias of a projection, and its gradient.
//!
//! `y = (x + b) s`, row by row, with a number `s`. A bias is added to every row, so its gradient is the
//! sum of the rows' gradients: `db = Σ_rows d(x + b)`.

use rayon::prelude::*;
use vector_math::Instructions;
use vector_math::pulp::{Simd, WithSimd};

use super::sums::{TASK_ROWS, accumulate, total};

/// `x ← (x + bias) · scale`
pub(super) fn add_bias(x: &mut [f32], bias: &[f32], scale: f32) {
    x.par_chunks_mut(TASK_ROWS * bias.len())
        .for_each(|x| Instructions::best().dispatch(AddBias { x, bias, scale }));
}

struct AddBias<'a> {
    x: &'a mut [f32],
    bias: &'a [f32],
    scale: f32,
}

impl WithSimd for AddBias<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for row in self.x.chunks_exact_mut(self.bias.len()) {
            for (x, bias) in row.iter_mut().zip(self.bias) {
                *x = (*x + bias) * self.scale;
            }
        }
    }
}

/// The sum of all rows.
pub(super) fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let partial: Vec<Vec<f32>> = x
        .par_chunks(TASK_ROWS * width)
        .map(|x| Instructions::best().dispatch(ColumnSums { x, width }))
        .collect();
    total(width, partial)
}

struct ColumnSums<'a> {
    x: &'a [f32],
    width: usize,
}

impl WithSimd for ColumnSums<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f32> {
        let mut sums = vec![0.0; self.width];
        for row in self.x.chunks_exact(self.width) {
            accumulate(&mut sums, row);
        }
        sums
    }
}
