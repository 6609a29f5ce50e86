//! Layer normalisation (Ba et al. 2016, arXiv 1607.06450).

use pulp::{Simd, WithSimd};

use super::instructions::Instructions;

use super::aligned::Aligned;

/// `(x - mean) / √(variance + ε) γ + β` over the columns of a row.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    /// Columns that count; what a row has beyond them is padding, which stays 0.
    width: usize,
    epsilon: f32,
    gamma: Aligned,
    beta: Aligned,
    /// 1 where a column counts, 0 where it is padding.
    counts: Aligned,
}

impl LayerNorm {
    /// `stride` columns, of which those of `gamma` count.
    pub(crate) fn new(gamma: &[f32], beta: &[f32], epsilon: f64, stride: usize) -> Self {
        let padded = |values: &mut dyn Iterator<Item = f32>| {
            let mut padded = Aligned::zeros(stride);
            padded.iter_mut().zip(values).for_each(|(to, v)| *to = v);
            padded
        };
        Self {
            width: gamma.len(),
            epsilon: epsilon as f32,
            gamma: padded(&mut gamma.iter().copied()),
            beta: padded(&mut beta.iter().copied()),
            counts: padded(&mut gamma.iter().map(|_| 1.0)),
        }
    }

    /// `rows ← norm(rows)`
    pub(crate) fn normalise(&self, simd: Instructions, rows: &mut [f32]) {
        simd.dispatch(Normalise {
            norm: self,
            rows,
            added: None,
        });
    }

    /// `rows ← norm(rows + added + bias)`; a row of `added` for each of `rows`.
    pub(crate) fn add_and_normalise(
        &self,
        simd: Instructions,
        rows: &mut [f32],
        added: &[f32],
        bias: &[f32],
    ) {
        simd.dispatch(Normalise {
            norm: self,
            rows,
            added: Some((added, bias)),
        });
    }
}

struct Normalise<'a> {
    norm: &'a LayerNorm,
    rows: &'a mut [f32],
    added: Option<(&'a [f32], &'a [f32])>,
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let stride = self.norm.gamma.len();
        for (i, row) in self.rows.chunks_exact_mut(stride).enumerate() {
            let (row, _) = S::as_mut_simd_f32s(row);
            if let Some((added, bias)) = self.added {
                let (added, _) = S::as_simd_f32s(&added[i * stride..][..stride]);
                let (bias, _) = S::as_simd_f32s(bias);
                for ((x, &y), &b) in row.iter_mut().zip(added).zip(bias) {
                    *x = simd.add_f32s(*x, simd.add_f32s(y, b));
                }
            }
            normalise(simd, row, self.norm);
        }
    }
}

#[inline(always)]
fn normalise<S: Simd>(simd: S, row: &mut [S::f32s], norm: &LayerNorm) {
    let (gamma, _) = S::as_simd_f32s(&norm.gamma);
    let (beta, _) = S::as_simd_f32s(&norm.beta);
    let (counts, _) = S::as_simd_f32s(&norm.counts);
    let zero = simd.splat_f32s(0.0);
    let share = 1.0 / norm.width as f32;
    let sum = row.iter().fold(zero, |sum, &x| simd.add_f32s(sum, x));
    let mean = simd.splat_f32s(simd.reduce_sum_f32s(sum) * share);
    let mut squares = zero;
    for (x, &counts) in row.iter_mut().zip(counts) {
        *x = simd.mul_f32s(simd.sub_f32s(*x, mean), counts);
        squares = simd.mul_add_e_f32s(*x, *x, squares);
    }
    let variance = simd.reduce_sum_f32s(squares) * share;
    let scale = simd.splat_f32s(1.0 / (variance + norm.epsilon).sqrt());
    for ((x, &gamma), &beta) in row.iter_mut().zip(gamma).zip(beta) {
        *x = simd.mul_add_e_f32s(simd.mul_f32s(*x, scale), gamma, beta);
    }
}
