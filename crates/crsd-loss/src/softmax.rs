//! The softmax of a matrix's rows, with what a loss needs of it.
//!
//! `P_ij = e^(S_ij - m_i) / Z_i` with `m_i = max_j S_ij` and `Z_i = Σ_j e^(S_ij - m_i)`. The loss is put
//! together from `m_i` and `ln Z_i`, not from `ln P`: `logsumexp_j S_ij = m_i + ln Z_i`, where nothing
//! can overflow and a probability of zero costs no digits. There is no gradient here: see
//! [`contrast`](crate::contrast).

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
    use vector_math::pulp::{Simd, WithSimd};
    use vector_math::{Instructions, exponentiate, largest};

    use super::Softmax;

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
            .for_each(|(cells, sums)| Instructions::best().dispatch(Rows { cells, n, sums }));
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

    /// Turns rows of `n` similarities into probabilities; leaves each row's largest cell and the log
    /// of its sum.
    struct Rows<'a> {
        cells: &'a mut [f32],
        n: usize,
        sums: &'a mut [[f32; 2]],
    }

    impl WithSimd for Rows<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for (row, sums) in self.cells.chunks_exact_mut(self.n).zip(self.sums) {
                let most = largest(simd, row);
                let sum = exponentiate(simd, row, most);
                let share = 1.0 / sum;
                row.iter_mut().for_each(|cell| *cell *= share);
                *sums = [most, sum.ln()];
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn softmax_row(simd: Instructions, row: &mut [f32]) -> [f32; 2] {
            let mut sums = [[0.0; 2]];
            simd.dispatch(Rows {
                n: row.len(),
                cells: row,
                sums: &mut sums,
            });
            sums[0]
        }

        #[test]
        fn a_row_of_any_length() {
            for simd in Instructions::available() {
                for n in [1, 2, 15, 16, 17, 40] {
                    let cells: Vec<f32> = (0..n).map(|i| (i * 7 % 5) as f32 - 30.0).collect();
                    let mut row = cells.clone();
                    let [largest, log_sum] = softmax_row(simd, &mut row);
                    let exact = |x: f32| f64::from(x - largest).exp();
                    let sum: f64 = cells.iter().map(|&x| exact(x)).sum();
                    assert!((f64::from(log_sum) - sum.ln()).abs() < 1e-6, "{simd:?}");
                    for (found, x) in row.iter().zip(cells) {
                        let error = (f64::from(*found) - exact(x) / sum).abs();
                        assert!(error < 1e-6, "{simd:?}");
                    }
                }
            }
        }

        #[test]
        fn masked_cells_have_no_share_and_broken_ones_are_seen() {
            for simd in Instructions::available() {
                let mut row = [0.5, -1e9, 0.5];
                let [largest, log_sum] = softmax_row(simd, &mut row);
                assert_eq!((row, largest), ([0.5, 0.0, 0.5], 0.5), "{simd:?}");
                assert!((log_sum - 2f32.ln()).abs() < 1e-6, "{simd:?}");
                let mut broken = [0.0, f32::NAN, 1.0];
                assert!(softmax_row(simd, &mut broken)[1].is_nan(), "{simd:?}");
            }
        }
    }
}
