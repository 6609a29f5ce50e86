//! Softmax contrast of rows with columns: value and hand-written gradient, for every loss of that
//! kind.
//!
//! Rows `z_i`, columns `c_j`, `β = 1/τ`, shares `T_ij` of the positives with `Σ_j T_ij = 1`:
//!
//! - forward: `S_ij = β z_i · c_j`, `L_i = logsumexp_j S_ij - Σ_j T_ij S_ij`
//! - `∂L_i/∂S_ij = E_ij`, `E = P - T`, with `P_ij = e^(S_ij) / Σ_k e^(S_ik)`: the derivative of a
//!   logsumexp is the softmax
//! - backward, from `w_i = ∂L/∂L_i`: `dz_i = w_i β Σ_j E_ij c_j`, `dc_j = β Σ_i w_i E_ij z_i`,
//!   `dβ = Σ_i w_i z_i · Σ_j E_ij c_j`
//!
//! The same gradient belongs to `g_i = β z_i · (E c)_i` with `E` held constant: `∂g_i/∂z_i = β (E c)_i`,
//! `∂g_i/∂c_j = β E_ij z_i`, `∂g_i/∂β = z_i · (E c)_i`. So `g` enters the graph, and its value is then
//! replaced by `L`. A cell that is left out has `P_ij = T_ij = 0`, exactly: no gradient reaches it.
//!
//! Why it is written so: the softmax is computed outside the graph, the backward pass is one matrix
//! product, and the graph keeps one `[m, n]` matrix, where tracing would keep several and walk each of
//! them again.

use burn::tensor::{Bool, DType, Device, Int, Tensor};

use crate::softmax::Softmax;

/// What a masked cell becomes before the softmax: finite, so that no row can turn into NaN, and
/// far below `-1 / temperature`, so that its probability is exactly zero.
const MASKED: f32 = -1e9;

/// Smallest temperature: `1 / temperature` must stay far above [`MASKED`] and inside f32.
pub(crate) const MIN_TEMPERATURE: f64 = 1e-6;

/// `1 / τ`.
pub(crate) struct Scale {
    fixed: f64,
    /// `[1]`, with its graph; takes the place of `fixed`.
    learned: Option<Tensor<1>>,
}

impl Scale {
    /// The learned one if there is one.
    pub(crate) fn new(learned: Option<Tensor<1>>, temperature: f64) -> Self {
        Self {
            fixed: 1.0 / temperature,
            learned: learned.map(|inverse_temperature| inverse_temperature.cast(DType::F32)),
        }
    }

    /// `z_i · c_j / τ`, without autodiff.
    ///
    /// # Shapes
    /// - `z`: `[m, h]`; `columns`: `[n, h]`; output: `[m, n]`
    fn similarity(&self, z: &Tensor<2>, columns: &Tensor<2>) -> Tensor<2> {
        let z = z.clone().without_autodiff();
        let z = match &self.learned {
            None => z.mul_scalar(self.fixed),
            Some(scale) => z * scale.clone().without_autodiff().unsqueeze_dim(0),
        };
        z.matmul(columns.clone().without_autodiff().transpose())
    }

    fn is_autodiff(&self) -> bool {
        self.learned.as_ref().is_some_and(Tensor::is_autodiff)
    }

    fn multiply(&self, tensor: Tensor<1>) -> Tensor<1> {
        match &self.learned {
            None => tensor.mul_scalar(self.fixed),
            Some(scale) => tensor * scale.clone(),
        }
    }
}

/// `[m, n]`, which columns a row is to find: shares that sum to one in every row, without autodiff;
/// `None`: row `i` column `i`.
pub(crate) type Positives = Option<Tensor<2>>;

/// `L_i = logsumexp_j S_ij - Σ_j T_ij S_ij` with `S = z c^T / τ`, where `T` are the shares of the
/// positives; with gradients with respect to `z`, to the columns `c` and to `1/τ` (derived above).
/// Without a gradient no `[m, n]` matrix is kept: it is worked through in blocks of rows.
///
/// # Shapes
/// - `z`: `[m, h]`; `columns`: `[n, h]`; output: `[m]`
/// - `excluded`: `[m, n]`, true where a cell is left out; never a positive
pub(crate) fn contrast(
    z: Tensor<2>,
    columns: Tensor<2>,
    excluded: Option<Tensor<2, Bool>>,
    positives: Positives,
    scale: &Scale,
) -> Tensor<1> {
    let [m, _] = z.dims();
    let cells = Cells {
        z: &z,
        columns: &columns,
        excluded,
        positives,
        scale,
    };
    if !(z.is_autodiff() || columns.is_autodiff() || scale.is_autodiff()) {
        return cells.losses();
    }
    let (loss, probs) = cells.rows(0, m);
    let pull = match cells.positives {
        None => {
            let positive = columns.clone().narrow(0, 0, m); // [m, h]
            probs.matmul(columns.clone()) - positive
        }
        Some(shares) => (probs - shares).matmul(columns.clone()),
    }; // [m, h], `E c`
    let carrier = (z * pull).sum_dim(1).squeeze_dim::<1>(1); // [m]
    with_value(scale.multiply(carrier), loss)
}

/// The cells of `S`, of which none is computed yet.
struct Cells<'a> {
    z: &'a Tensor<2>,
    columns: &'a Tensor<2>,
    excluded: Option<Tensor<2, Bool>>,
    positives: Positives,
    scale: &'a Scale,
}

impl Cells<'_> {
    /// `[m]`, block by block.
    fn losses(&self) -> Tensor<1> {
        let [m, _] = self.z.dims();
        let [n, _] = self.columns.dims();
        let rows = rows_per_block(n, &self.z.device());
        if rows >= m {
            return self.rows(0, m).0;
        }
        let blocks = (0..m).step_by(rows);
        let losses = blocks.map(|start| self.rows(start, rows.min(m - start)).0);
        Tensor::cat(losses.collect(), 0)
    }

    /// Losses `[rows]` and probabilities `[rows, n]`, exactly zero where masked, of the rows from
    /// `start` on; without autodiff.
    fn rows(&self, start: usize, rows: usize) -> (Tensor<1>, Tensor<2>) {
        let z = self.z.clone().narrow(0, start, rows); // [rows, h]
        let similarity = self.scale.similarity(&z, self.columns); // [rows, n]
        let similarity = match &self.excluded {
            Some(excluded) => {
                let excluded = excluded.clone().narrow(0, start, rows);
                similarity.mask_fill(excluded, MASKED)
            }
            None => similarity,
        };
        let positive = match &self.positives {
            None => diagonal(&similarity, start),
            Some(shares) => {
                let shares = shares.clone().narrow(0, start, rows);
                (shares * similarity.clone()).sum_dim(1)
            }
        }; // [rows, 1]
        let softmax = Softmax::new(similarity);
        let loss = softmax.largest - positive + softmax.log_sum; // [rows, 1], both parts at least zero
        (loss.squeeze_dim::<1>(1), softmax.probs)
    }
}

/// Rows of `S` that are worked on together where only the losses are wanted.
///
/// A matrix that lies in this process's memory costs more to get from the system, page by page, than
/// to fill; a block of it stays in the cache. Elsewhere one large product is better than many.
fn rows_per_block(columns: usize, device: &Device) -> usize {
    /// 1 MiB of f32.
    const CELLS: usize = 256 * 1024;
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return (CELLS / columns).max(1);
    }
    let _ = (columns, device, CELLS);
    usize::MAX
}

/// `S_ij` with `j = i + start`, `[rows, 1]`.
fn diagonal(similarity: &Tensor<2>, start: usize) -> Tensor<2> {
    let [rows, _] = similarity.dims();
    let columns = start as i64..(start + rows) as i64;
    let column = Tensor::<1, Int>::arange(columns, &similarity.device()).reshape([rows, 1]);
    similarity.clone().gather(1, column)
}

/// The gradient of `carrier` under the value of `value`, to the last bit.
fn with_value(carrier: Tensor<1>, value: Tensor<1>) -> Tensor<1> {
    let zero = carrier.clone() - carrier.without_autodiff();
    zero + value
}
