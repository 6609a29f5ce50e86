//! Softmax contrast of rows with columns: value and hand-written gradient, for every loss of that
//! kind.

use burn::tensor::{Bool, DType, Int, Tensor};

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
    pub(crate) fn similarity(&self, z: &Tensor<2>, columns: &Tensor<2>) -> Tensor<2> {
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

/// `L_i = logsumexp_j S_ij - Σ_j T_ij S_ij`, where `T` are the shares of the positives.
///
/// The gradient is written down rather than traced: `dL_i/dS_ij = P_ij - T_ij` with
/// `P = softmax_j(S)`. The softmax is computed outside the graph, and the loss enters the graph as
/// `g_i = z_i · ((P - T) c)_i / τ` with `P` and `T` held constant, which has that very gradient
/// with respect to `z`, to the columns `c` and to `1/τ`; its value is then replaced by the loss. So
/// the backward pass is one matrix product, and the graph keeps one `[m, n]` matrix, where tracing
/// would keep several and walk each of them again.
pub(crate) struct Contrast {
    /// `[m]`.
    loss: Tensor<1>,
    /// `[m, n]`: `softmax_j S_ij`, exactly zero where masked.
    probs: Tensor<2>,
    positives: Positives,
}

impl Contrast {
    /// # Shapes
    /// - `similarity`: `[m, n]`, without autodiff, divided by the temperature
    /// - `excluded`: `[m, n]`, true where a cell is left out; never a positive
    pub(crate) fn new(
        similarity: Tensor<2>,
        excluded: Option<Tensor<2, Bool>>,
        positives: Positives,
    ) -> Self {
        let similarity = match excluded {
            Some(excluded) => similarity.mask_fill(excluded, MASKED),
            None => similarity,
        };
        let positive = match &positives {
            None => diagonal(&similarity),
            Some(shares) => (shares.clone() * similarity.clone()).sum_dim(1),
        }; // [m, 1]
        let softmax = Softmax::new(similarity);
        let loss = softmax.largest - positive + softmax.log_sum; // [m, 1], both parts at least zero
        Self {
            loss: loss.squeeze_dim::<1>(1), // [m]
            probs: softmax.probs,
            positives,
        }
    }

    /// The loss with its graph: gradients with respect to `anchor` (rows), `columns` and `scale`.
    ///
    /// # Shapes
    /// - `anchor`: `[m, h]`; `columns`: `[n, h]`; output: `[m]`
    pub(crate) fn into_loss(
        self,
        anchor: Tensor<2>,
        columns: Tensor<2>,
        scale: &Scale,
    ) -> Tensor<1> {
        if !(anchor.is_autodiff() || columns.is_autodiff() || scale.is_autodiff()) {
            return self.loss;
        }
        let [m, _] = anchor.dims();
        let pull = match self.positives {
            None => {
                let positive = columns.clone().narrow(0, 0, m); // [m, h]
                self.probs.matmul(columns) - positive
            }
            Some(shares) => (self.probs - shares).matmul(columns),
        }; // [m, h]
        let carrier = (anchor * pull).sum_dim(1).squeeze_dim::<1>(1); // [m]
        with_value(scale.multiply(carrier), self.loss)
    }
}

/// `S_ii`, `[m, 1]`.
fn diagonal(similarity: &Tensor<2>) -> Tensor<2> {
    let [m, _] = similarity.dims();
    let column = Tensor::<1, Int>::arange(0..m as i64, &similarity.device()).reshape([m, 1]);
    similarity.clone().gather(1, column)
}

/// The gradient of `carrier` under the value of `value`, to the last bit.
fn with_value(carrier: Tensor<1>, value: Tensor<1>) -> Tensor<1> {
    let zero = carrier.clone() - carrier.without_autodiff();
    zero + value
}
