//! InfoNCE between the two views of a batch.

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::align::{AlignInput, AlignLoss};
use crate::shape::{check_not_empty, check_shape};
use crate::{CrsdLossError, Direction, NegativeMask, unit_norm};

/// What a masked cell becomes before the softmax: finite, so that no row can turn into NaN, and
/// far below `-1 / temperature`, so that its probability is exactly zero.
const MASKED: f32 = -1e9;

/// Smallest temperature: `1 / temperature` must stay far above [`MASKED`] and inside f32.
pub(crate) const MIN_TEMPERATURE: f64 = 1e-6;

/// Configuration of [`InfoNce`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InfoNceConfig {
    /// τ, the divisor of the cosine similarities. Default 0.05.
    pub temperature: f64,
    /// Which view looks for the other. Default: standard rows, reasoned columns.
    pub direction: Direction,
    /// Norm below which a representation has no direction ([`unit_norm`]). Default 1e-6.
    pub norm_eps: f64,
}

impl Default for InfoNceConfig {
    fn default() -> Self {
        Self {
            temperature: 0.05,
            direction: Direction::default(),
            norm_eps: 1e-6,
        }
    }
}

impl InfoNceConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets τ.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets the direction.
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Sets the norm below which a representation has no direction.
    pub fn with_norm_eps(mut self, norm_eps: f64) -> Self {
        self.norm_eps = norm_eps;
        self
    }

    /// # Errors
    /// [`CrsdLossError::InvalidConfig`] names the field, its value and the allowed range.
    pub fn validate(&self) -> Result<(), CrsdLossError> {
        if !(self.temperature.is_finite() && self.temperature >= MIN_TEMPERATURE) {
            return Err(CrsdLossError::InvalidConfig {
                field: "temperature",
                value: self.temperature,
                allowed: "a finite number above 0, at least 1e-6",
            });
        }
        if !(self.norm_eps > 0.0 && self.norm_eps <= 1.0) {
            return Err(CrsdLossError::InvalidConfig {
                field: "norm_eps",
                value: self.norm_eps,
                allowed: "above 0 and at most 1",
            });
        }
        Ok(())
    }

    /// The loss.
    ///
    /// # Errors
    /// As [`InfoNceConfig::validate`].
    pub fn init(&self) -> Result<InfoNce, CrsdLossError> {
        self.validate()?;
        Ok(InfoNce {
            config: self.clone(),
        })
    }
}

/// InfoNCE (arXiv 1807.03748, equation 4) between two views of a batch, the paper's batch align:
/// `z = x / |x|`, `S_ij = z_i · z'_j / τ`, `L_i = -S_ii + logsumexp_j S_ij`.
///
/// The gradient is written down rather than traced: `dL_i/dS_ij = softmax_j(S_i)_j - [i = j]`.
/// The softmax is computed outside the graph, and the loss enters the graph as
/// `g_i = z_i · ((P z')_i - z'_i) / τ` with `P` held constant, which has that very gradient with
/// respect to both `z` and `z'`; its value is then replaced by the loss. So the backward pass is
/// one matrix product, and the graph keeps one `[b, b]` matrix, where tracing would keep several
/// and walk each of them again.
#[derive(Debug, Clone)]
pub struct InfoNce {
    config: InfoNceConfig,
}

impl InfoNce {
    /// The loss of each example, in nats; never below zero, and zero for a batch of one.
    ///
    /// # Shapes
    /// - `standard`, `reasoned`: `[b, h]`, of any norm
    /// - `negatives`: `[b, b]`
    /// - output: `[b]`
    ///
    /// # Errors
    /// [`CrsdLossError::EmptyBatch`] and [`CrsdLossError::ShapeMismatch`].
    pub fn forward(
        &self,
        standard: Tensor<2>,
        reasoned: Tensor<2>,
        negatives: Option<&NegativeMask>,
    ) -> Result<Tensor<1>, CrsdLossError> {
        let [b, h] = check_not_empty("standard", &standard)?;
        check_shape("reasoned", reasoned.dims(), [b, h], "standard")?;
        if let Some(mask) = negatives {
            check_shape("negatives", [mask.batch_size(); 2], [b, b], "standard")?;
        }
        Ok(self.per_example(standard, reasoned, negatives))
    }

    fn per_example(
        &self,
        standard: Tensor<2>,
        reasoned: Tensor<2>,
        negatives: Option<&NegativeMask>,
    ) -> Tensor<1> {
        let inverse_temperature = 1.0 / self.config.temperature;
        let z = unit_norm(standard, self.config.norm_eps); // [b, h]
        let z_reasoned = unit_norm(reasoned, self.config.norm_eps); // [b, h]
        let similarity = z
            .clone()
            .without_autodiff()
            .mul_scalar(inverse_temperature)
            .matmul(z_reasoned.clone().without_autodiff().transpose()); // [b, b]

        match self.config.direction {
            Direction::StandardToReasoned => {
                let rows = Contrast::new(similarity, negatives);
                rows.into_loss(z, z_reasoned, inverse_temperature)
            }
            Direction::Symmetric => {
                let transposed = negatives.map(NegativeMask::transpose);
                let columns = Contrast::new(similarity.clone().transpose(), transposed.as_ref());
                let rows = Contrast::new(similarity, negatives);
                let rows = rows.into_loss(z.clone(), z_reasoned.clone(), inverse_temperature);
                let columns = columns.into_loss(z_reasoned, z, inverse_temperature);
                (rows + columns).mul_scalar(0.5)
            }
        }
    }
}

impl AlignLoss for InfoNce {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        self.per_example(input.standard, input.reasoned, input.negatives.as_ref())
    }
}

/// Value and gradient of the rows of one similarity matrix, outside any graph.
struct Contrast {
    /// `[b]`: `-S_ii + logsumexp_j S_ij`.
    loss: Tensor<1>,
    /// `[b, b]`: `softmax_j S_ij`, exactly zero where masked.
    probs: Tensor<2>,
}

impl Contrast {
    /// `similarity`: `[b, b]`, without autodiff, divided by the temperature.
    fn new(similarity: Tensor<2>, negatives: Option<&NegativeMask>) -> Self {
        let [b, _] = similarity.dims();
        let similarity = match negatives {
            Some(mask) => similarity.mask_fill(mask.excluded(), MASKED),
            None => similarity,
        };
        let diagonal = Tensor::<1, Int>::arange(0..b as i64, &similarity.device()).reshape([b, 1]);
        let positive = similarity.clone().gather(1, diagonal); // [b, 1]
        let largest = similarity.clone().max_dim(1); // [b, 1]
        let probs = softmax(similarity, 1); // [b, b]
        // The largest probability is `exp(0) / sum`, so it holds the log of the sum: the softmax
        // is the only pass that computes exponentials. Both terms are at least zero.
        let log_sum = probs.clone().max_dim(1).log().neg(); // [b, 1]
        Self {
            loss: (largest - positive + log_sum).squeeze_dim::<1>(1), // [b]
            probs,
        }
    }

    /// The loss with its graph: gradients with respect to `anchor` (rows) and `other` (columns).
    fn into_loss(self, anchor: Tensor<2>, other: Tensor<2>, inverse_temperature: f64) -> Tensor<1> {
        if !(anchor.is_autodiff() || other.is_autodiff()) {
            return self.loss;
        }
        let expected = self.probs.matmul(other.clone()); // [b, h]
        let gradient_carrier = (anchor * (expected - other))
            .sum_dim(1) // [b, 1]
            .squeeze_dim::<1>(1) // [b]
            .mul_scalar(inverse_temperature);
        with_value(gradient_carrier, self.loss)
    }
}

/// The gradient of `carrier` under the value of `value`, to the last bit.
fn with_value(carrier: Tensor<1>, value: Tensor<1>) -> Tensor<1> {
    let zero = carrier.clone() - carrier.without_autodiff();
    zero + value
}
