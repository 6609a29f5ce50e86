//! A temperature that is trained along with the student.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::CrsdLossError;

/// τ as a parameter, kept as the logarithm of its inverse: the logit scale of CLIP
/// (arXiv 2103.00020, section 2.5).
///
/// The logarithm makes a step of the optimiser a relative one and keeps τ above zero. What the
/// loss reads is clamped to [`MIN`](Self::MIN)..=[`MAX`](Self::MAX), CLIP's own bounds: below, a
/// few hard negatives take the whole gradient; above, the softmax over cosines is all but flat.
/// Only the value is clamped. The gradient passes as if it were not, so that a scale at a bound
/// is not stuck there; [`clamped`](Self::clamped) puts the parameter itself back, as CLIP does
/// after each step.
///
/// Weight decay would pull τ towards 1: leave it out for this parameter (`[1]`, rank one, as
/// biases are).
///
/// ```
/// use burn::tensor::Device;
/// use crsd_loss::LearnableTemperature;
///
/// let temperature = LearnableTemperature::new(0.05, &Device::default())?;
/// assert!((temperature.inverse().into_scalar::<f32>() - 20.0).abs() < 1e-4);
/// assert!((temperature.temperature().into_scalar::<f32>() - 0.05).abs() < 1e-6);
/// assert!(LearnableTemperature::new(0.001, &Device::default()).is_err());
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Module, Debug)]
pub struct LearnableTemperature {
    /// `[1]`, `ln(1 / τ)`.
    log_scale: Param<Tensor<1>>,
}

impl LearnableTemperature {
    /// Smallest τ: logits of at most 100.
    pub const MIN: f64 = 0.01;
    /// Largest τ: logits of at most 1.
    pub const MAX: f64 = 1.0;

    /// Starts at τ = `temperature`.
    ///
    /// # Errors
    /// [`CrsdLossError::InvalidConfig`] outside [`MIN`](Self::MIN)..=[`MAX`](Self::MAX).
    pub fn new(temperature: f64, device: &Device) -> Result<Self, CrsdLossError> {
        Self::check(temperature)?;
        let log_scale = Tensor::from_floats([-temperature.ln() as f32], device);
        Ok(Self {
            log_scale: Param::from_tensor(log_scale),
        })
    }

    pub(crate) fn check(temperature: f64) -> Result<(), CrsdLossError> {
        if (Self::MIN..=Self::MAX).contains(&temperature) {
            return Ok(());
        }
        Err(CrsdLossError::InvalidConfig {
            field: "temperature",
            value: temperature,
            allowed: "0.01 to 1 with `learnable_temperature`",
        })
    }

    /// `1 / τ`, clamped, with the graph of the parameter.
    ///
    /// # Shapes
    /// - output: `[1]`
    pub fn inverse(&self) -> Tensor<1> {
        let log_scale = self.log_scale.val();
        let outside = log_scale.clone().without_autodiff();
        let outside = outside.clone() - clamp(outside); // [1], zero between the bounds
        (log_scale - outside).exp()
    }

    /// τ as the loss reads it, without a graph.
    ///
    /// # Shapes
    /// - output: `[1]`
    pub fn temperature(&self) -> Tensor<1> {
        clamp(self.log_scale.val().without_autodiff()).neg().exp()
    }

    /// The parameter itself put back between the bounds. Optional: the loss never reads a value
    /// outside, but a parameter that has drifted out takes as long to drift back.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            log_scale: self.log_scale.map(|log_scale| {
                let required = log_scale.is_require_grad();
                clamp(log_scale).detach().set_require_grad(required)
            }),
        }
    }
}

fn clamp(log_scale: Tensor<1>) -> Tensor<1> {
    let (low, high) = (LearnableTemperature::MAX, LearnableTemperature::MIN);
    log_scale.clamp(-low.ln(), -high.ln())
}
