//! Layer normalisation (Ba et al. 2016, arXiv 1607.06450).

use vector_math::Instructions;
use vector_math::pulp::{Simd, WithSimd};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_normalised_over_the_columns_that_count() {
        const WIDTH: usize = 37;
        let value = |i: usize| 3.0 + ((i * 7919) % 101) as f32 / 25.0;
        let (gamma, beta): (Vec<f32>, Vec<f32>) =
            (0..WIDTH).map(|i| (value(i + 5), value(i + 9))).unzip();
        for (stride, simd) in Instructions::available().into_iter().map(|simd| (48, simd)) {
            let norm = LayerNorm::new(&gamma, &beta, 1e-5, stride);
            let padded = |offset: usize| -> Vec<f32> {
                let columns = (0..3 * stride).map(|i| (i % stride, i + offset));
                let kept = columns.map(|(column, i)| if column < WIDTH { value(i) } else { 0.0 });
                kept.collect()
            };
            let (rows, added, bias) = (padded(0), padded(500), &padded(1000)[..stride]);
            let mut found = rows.clone();
            norm.add_and_normalise(simd, &mut found, &added, bias);
            for r in 0..3 {
                let sum = |c: usize| {
                    let i = r * stride + c;
                    f64::from(rows[i]) + f64::from(added[i]) + f64::from(bias[c])
                };
                let mean = (0..WIDTH).map(sum).sum::<f64>() / WIDTH as f64;
                let squares = (0..WIDTH).map(|c| (sum(c) - mean).powi(2));
                let scale = (squares.sum::<f64>() / WIDTH as f64 + 1e-5).sqrt();
                for c in 0..WIDTH {
                    let exact = (sum(c) - mean) / scale * f64::from(gamma[c]) + f64::from(beta[c]);
                    let error = (f64::from(found[r * stride + c]) - exact).abs();
                    assert!(error < 2e-5, "{simd:?} {r} {c}: {error}");
                }
                let padding = &found[r * stride + WIDTH..(r + 1) * stride];
                assert!(padding.iter().all(|&x| x == 0.0));
            }
        }
    }
}
