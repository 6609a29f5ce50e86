//! InfoNCE between the two views of a batch.

use burn::tensor::{Bool, Tensor};
use serde::{Deserialize, Serialize};

use crate::align::{AlignInput, AlignLoss};
use crate::contrast::{MIN_TEMPERATURE, Scale, contrast};
use crate::memory_queue::QueuedNegatives;
use crate::shape::{check_not_empty, check_shape};
use crate::{CrsdLossError, Direction, NegativeMask, unit_norm};

/// Configuration of [`InfoNce`].
///
/// ```
/// use crsd_loss::{Direction, InfoNceConfig};
///
/// let config = InfoNceConfig::new().with_temperature(0.07).with_direction(Direction::Symmetric);
/// assert!(config.validate().is_ok());
/// assert!(InfoNceConfig::new().with_temperature(0.0).validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
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
/// The gradient is written down rather than traced, so that the backward pass is one matrix product
/// and the graph keeps one `[b, b]` matrix.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::InfoNceConfig;
///
/// let view = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0]], &Device::default());
/// let loss = InfoNceConfig::new().with_temperature(0.5).init()?;
/// let per_example = loss.forward(view.clone(), view, None)?;
/// let mean: f32 = per_example.mean().into_scalar();
/// assert!((mean - (1.0 + (-2f32).exp()).ln()).abs() < 1e-6); // S = [[2, 0], [0, 2]]
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
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
        let scale = Scale::new(None, self.config.temperature);
        let excluded = negatives.map(NegativeMask::excluded);
        Ok(self.losses(standard, reasoned, excluded, None, &scale))
    }

    fn losses(
        &self,
        standard: Tensor<2>,
        reasoned: Tensor<2>,
        excluded: Option<Tensor<2, Bool>>,
        queue: Option<QueuedNegatives>,
        scale: &Scale,
    ) -> Tensor<1> {
        let z = unit_norm(standard, self.config.norm_eps); // [b, h]
        let z_reasoned = unit_norm(reasoned, self.config.norm_eps); // [b, h]
        // Each reasoned view looks for its standard one.
        let back = (self.config.direction == Direction::Symmetric).then(|| {
            let excluded = excluded.clone().map(Tensor::transpose);
            contrast(z_reasoned.clone(), z.clone(), excluded, None, scale)
        });
        let rows = match queue {
            None => contrast(z, z_reasoned, excluded, None, scale),
            Some(queue) => {
                let excluded = queue.beside(excluded, z.dims()[0]); // [b, b + q]
                let queued = unit_norm(queue.representations, self.config.norm_eps); // [q, h]
                let columns = vec![z_reasoned.without_autodiff(), queued];
                let columns = Tensor::cat(columns, 0); // [b + q, h]
                contrast(z, columns, excluded, None, scale)
            }
        };
        match back {
            Some(back) => (rows + back).mul_scalar(0.5),
            None => rows,
        }
    }
}

impl AlignLoss for InfoNce {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        let scale = Scale::new(input.inverse_temperature, self.config.temperature);
        let excluded = input.negatives.as_ref().map(NegativeMask::excluded);
        let (standard, reasoned) = (input.standard, input.reasoned);
        self.losses(standard, reasoned, excluded, input.queue, &scale)
    }

    fn reads_queue(&self) -> bool {
        true
    }
}
