//! What the objective itself has to learn.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::shape::check_shape;
use crate::{CrsdLossConfig, CrsdLossError, LearnableTemperature, ProjectionHead};

/// The trainable parts of the objective, in one module: a projection head, a temperature, either or
/// neither.
///
/// A trainer optimises it next to the student, for example as a field of one module, and passes it
/// to the loss with [`CrsdStep::with_heads`](crate::CrsdStep::with_heads). It belongs to training
/// alone: checkpoints of a run hold it, the saved student does not.
///
/// ```
/// use burn::tensor::Device;
/// use crsd_loss::{CrsdHeads, CrsdLossConfig, ProjectionHeadConfig};
///
/// let device = Device::default();
/// assert!(CrsdHeads::new(&CrsdLossConfig::new(), 384, 0, &device)?.is_empty());
/// let config = CrsdLossConfig::new()
///     .with_learnable_temperature(true)
///     .with_projection(Some(ProjectionHeadConfig::new()));
/// assert!(!CrsdHeads::new(&config, 384, 0, &device)?.is_empty());
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Module, Debug)]
pub struct CrsdHeads {
    projection: Option<ProjectionHead>,
    temperature: Option<LearnableTemperature>,
}

impl CrsdHeads {
    /// The parts that `config` asks for, on representations of width `hidden_size`. The same seed
    /// gives the same weights.
    ///
    /// # Errors
    /// [`CrsdLossError::InvalidConfig`].
    pub fn new(
        config: &CrsdLossConfig,
        hidden_size: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self, CrsdLossError> {
        config.validate()?;
        let projection = config
            .projection
            .map(|head| ProjectionHead::new(&head, hidden_size, seed, device));
        let temperature = config
            .learnable_temperature
            .then(|| LearnableTemperature::new(config.temperature, device));
        Ok(Self {
            projection: projection.transpose()?,
            temperature: temperature.transpose()?,
        })
    }

    /// No part at all: the heads of an objective of which nothing learns.
    pub fn none() -> Self {
        Self {
            projection: None,
            temperature: None,
        }
    }

    /// Whether there is nothing to train.
    pub fn is_empty(&self) -> bool {
        self.projection.is_none() && self.temperature.is_none()
    }

    /// The projection head, if there is one.
    pub fn projection(&self) -> Option<&ProjectionHead> {
        self.projection.as_ref()
    }

    /// The learnable temperature, if there is one.
    pub fn temperature(&self) -> Option<&LearnableTemperature> {
        self.temperature.as_ref()
    }

    /// What the align term compares: the projected representations, or the same ones without a
    /// head. [`Diagnostics`](crate::Diagnostics) of these describe the align term.
    ///
    /// # Shapes
    /// - `representations`: `[b, h]`
    /// - output: `[b, d]`; `[b, h]` without a head
    ///
    /// # Errors
    /// [`CrsdLossError::ShapeMismatch`] when the head reads another width.
    pub fn project(&self, representations: Tensor<2>) -> Result<Tensor<2>, CrsdLossError> {
        let Some(head) = &self.projection else {
            return Ok(representations);
        };
        let [b, h] = representations.dims();
        let expected = [b, head.input_size()];
        check_shape("representations", [b, h], expected, "the projection head")?;
        Ok(head.forward(representations))
    }

    /// [`LearnableTemperature::clamped`], to be called after a step of the optimiser; optional.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            temperature: self.temperature.map(LearnableTemperature::clamped),
            ..self
        }
    }
}
