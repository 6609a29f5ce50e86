//! The softmax of a matrix's rows, with what a loss needs of it.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

/// The rows of a matrix after a softmax.
pub(crate) struct Softmax {
    /// `[m, n]`.
    pub(crate) probs: Tensor<2>,
    /// `[m, 1]`: `max_j S_ij`.
    pub(crate) largest: Tensor<2>,
    /// `[m, 1]`: `ln Σ_j exp(S_ij - max_j S_ij)`, at least zero.
    pub(crate) log_sum: Tensor<2>,
}

impl Softmax {
    /// # Shapes
    /// - `similarity`: `[m, n]`, f32, without autodiff
    pub(crate) fn new(similarity: Tensor<2>) -> Self {
        #[cfg(feature = "flex")]
        if similarity.device() == burn::tensor::Device::flex() {
            return fused::softmax(similarity);
        }
        let largest = similarity.clone().max_dim(1);
        let probs = softmax(similarity, 1);
        // The largest probability is `exp(0) / sum`, so it holds the log of the sum: the softmax is
        // the only pass that computes exponentials.
        let log_sum = probs.clone().max_dim(1).log().neg();
        Self {
            probs,
            largest,
            log_sum,
        }
    }
}

/// One pass in place over the rows, on the backend whose tensors lie in this process's memory.
///
/// burn's own softmax there computes scalar exponentials into a second matrix, and the loss looks
/// for the largest cell twice more: at `[1024, 1024]` that costs as much as the matrix product.
#[cfg(feature = "flex")]
mod fused {
    use burn::tensor::{Tensor, TensorData};
    use rayon::prelude::*;

    use super::Softmax;

    /// Partial sums, as many as the compiler likes to keep in vector registers.
    const LANES: usize = 16;

    /// Cells that one task takes: enough to be worth handing out, few enough to stay in cache.
    const CELLS_PER_TASK: usize = 32 * 1024;

    pub(super) fn softmax(similarity: Tensor<2>) -> Softmax {
        let ([m, n], device) = (similarity.dims(), similarity.device());
        // Not a copy: the matrix is contiguous and nobody else holds it.
        let mut data = similarity.into_data();
        let cells: &mut [f32] = data.as_mut_slice().expect("similarities are f32");
        let mut sums = vec![[0.0; 2]; m];
        let rows = (CELLS_PER_TASK / n).max(1);
        cells
            .par_chunks_mut(rows * n)
            .zip(sums.par_chunks_mut(rows))
            .for_each(|(cells, sums)| {
                for (row, sums) in cells.chunks_exact_mut(n).zip(sums) {
                    *sums = softmax_row(row);
                }
            });
        let column = |which: usize| {
            let values: Vec<f32> = sums.iter().map(|sums| sums[which]).collect();
            Tensor::from_data(TensorData::new(values, [m, 1]), &device)
        };
        Softmax {
            largest: column(0),
            log_sum: column(1),
            probs: Tensor::from_data(data, &device),
        }
    }

    /// Turns similarities into probabilities; the largest cell and the log of the sum.
    fn softmax_row(row: &mut [f32]) -> [f32; 2] {
        let largest = largest(row);
        let mut sums = [0.0; LANES];
        let mut chunks = row.chunks_exact_mut(LANES);
        for chunk in &mut chunks {
            for (cell, sum) in chunk.iter_mut().zip(&mut sums) {
                *cell = exp(*cell - largest);
                *sum += *cell;
            }
        }
        let mut sum: f32 = sums.iter().sum();
        for cell in chunks.into_remainder() {
            *cell = exp(*cell - largest);
            sum += *cell;
        }
        let inverse = 1.0 / sum;
        row.iter_mut().for_each(|cell| *cell *= inverse);
        [largest, sum.ln()]
    }

    /// NaN does not count; it comes back through the exponentials.
    fn largest(row: &[f32]) -> f32 {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let chunks = row.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &cell) in lanes.iter_mut().zip(chunk) {
                *lane = if cell > *lane { cell } else { *lane };
            }
        }
        let all = lanes.iter().chain(rest).copied();
        all.fold(f32::NEG_INFINITY, f32::max)
    }

    /// `e^x` for `x` at most zero, to about one unit in the last place; exactly 1 at 0, exactly 0
    /// below the normal numbers, NaN for NaN. Without branches, so that it becomes vector code.
    ///
    /// `x = n ln 2 + r` with `|r| <= ln 2 / 2`; `e^r` is its Taylor polynomial, and `2^n` goes into
    /// the exponent bits.
    #[inline(always)]
    fn exp(x: f32) -> f32 {
        const LEAST: f32 = -87.0;
        /// `1.5 · 2^23`: adding it rounds to an integer, which its lowest bits then hold.
        const ROUND: f32 = 12_582_912.0;
        /// `ln 2` in two parts; the first has so few digits that its product with `n` is exact.
        const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

        let tiny = x < LEAST;
        let x = if tiny { LEAST } else { x };
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let r = x - n * LN_2[0] - n * LN_2[1];
        let mut e_r = 1.0 / 5040.0;
        for inverse_factorial in [
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            0.5,
            1.0,
            1.0,
        ] {
            e_r = e_r * r + inverse_factorial;
        }
        let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits());
        let power = f32::from_bits(exponent.wrapping_add(127).wrapping_shl(23));
        let e_x = e_r * power;
        if tiny { 0.0 } else { e_x }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_exponential_is_accurate() {
            let mut worst = 0.0f64;
            for step in 0..870_000 {
                let x = step as f32 * -1e-4;
                let expected = f64::from(x).exp();
                worst = worst.max((f64::from(exp(x)) / expected - 1.0).abs());
            }
            assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst:e}");
            assert_eq!(exp(0.0), 1.0);
            assert_eq!(exp(-1e9), 0.0);
            assert_eq!(exp(f32::NEG_INFINITY), 0.0);
            assert!(exp(f32::NAN).is_nan());
        }

        #[test]
        fn a_row_of_any_length() {
            for n in [1, 2, 15, 16, 17, 40] {
                let cells: Vec<f32> = (0..n).map(|i| (i * 7 % 5) as f32 - 30.0).collect();
                let mut row = cells.clone();
                let [largest, log_sum] = softmax_row(&mut row);
                let exact = |x: f32| f64::from(x - largest).exp();
                let sum: f64 = cells.iter().map(|&x| exact(x)).sum();
                assert!((f64::from(log_sum) - sum.ln()).abs() < 1e-6);
                for (found, x) in row.iter().zip(cells) {
                    assert!((f64::from(*found) - exact(x) / sum).abs() < 1e-6);
                }
            }
            let mut broken = [0.0, f32::NAN, 1.0];
            assert!(softmax_row(&mut broken)[1].is_nan());
        }
    }
}
