//! Configuration of the whole objective.

use serde::{Deserialize, Serialize};

use crate::memory_queue::check_queue;
use crate::{
    Align, AlignWeighting, CrsdLoss, CrsdLossError, Direction, InfoNceConfig, LambdaSchedule,
    LearnableTemperature, ProjectionHeadConfig,
};

/// Configuration of [`CrsdLoss`]. Unknown keys are rejected, missing ones take their default.
///
/// The paper gives no hyper-parameters; these defaults are ours.
///
/// ```
/// use crsd_loss::{Align, CrsdLossConfig};
///
/// let config: CrsdLossConfig = serde_json::from_str(r#"{"lambda": 0.2, "align": "cosine"}"#)?;
/// assert_eq!(config, CrsdLossConfig::new().with_lambda(0.2).with_align(Align::Cosine));
/// assert!(serde_json::from_str::<CrsdLossConfig>(r#"{"lamda": 0.2}"#).is_err());
/// assert!(CrsdLossConfig::new().with_lambda(-1.0).validate().is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CrsdLossConfig {
    /// τ, the divisor of the cosine similarities. Default 0.05.
    pub temperature: f64,
    /// Whether τ is a parameter that starts at `temperature`, see [`LearnableTemperature`].
    /// Default off. The parameter lives in [`CrsdHeads`](crate::CrsdHeads).
    pub learnable_temperature: bool,
    /// A network between the representations and the align term, see
    /// [`ProjectionHead`](crate::ProjectionHead). Default none. Its weights live in
    /// [`CrsdHeads`](crate::CrsdHeads).
    pub projection: Option<ProjectionHeadConfig>,
    /// λ, the weight of the align term. Default 0.1; at 0 the align term is reported but trains
    /// nothing.
    pub lambda: f64,
    /// Share of the steps over which λ grows from 0, see [`LambdaSchedule`]. Default 0.1.
    pub lambda_warmup_ratio: f64,
    /// Which view looks for the other. Default: standard rows, reasoned columns.
    pub direction: Direction,
    /// Whether the align term leaves the reasoned view alone (no gradient through it). Default
    /// off: the align arrow of Figure 3 has two heads.
    pub detach_reasoned: bool,
    /// The align term. Default InfoNCE.
    pub align: Align,
    /// Which examples the align term listens to. Default: all alike.
    pub align_weighting: AlignWeighting,
    /// Capacity of the [`MemoryQueue`](crate::MemoryQueue) of further negatives, in examples; only
    /// for InfoNCE with `detach_reasoned`. Default 0: none.
    pub queue_size: usize,
    /// Norm below which a representation has no direction. Default 1e-6.
    pub norm_eps: f64,
}

impl Default for CrsdLossConfig {
    fn default() -> Self {
        let InfoNceConfig {
            temperature,
            direction,
            norm_eps,
        } = InfoNceConfig::default();
        Self {
            temperature,
            learnable_temperature: false,
            projection: None,
            lambda: 0.1,
            lambda_warmup_ratio: 0.1,
            direction,
            detach_reasoned: false,
            align: Align::default(),
            align_weighting: AlignWeighting::default(),
            queue_size: 0,
            norm_eps,
        }
    }
}

impl CrsdLossConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets τ.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets whether τ is learned.
    pub fn with_learnable_temperature(mut self, learnable_temperature: bool) -> Self {
        self.learnable_temperature = learnable_temperature;
        self
    }

    /// Sets the projection head.
    pub fn with_projection(mut self, projection: Option<ProjectionHeadConfig>) -> Self {
        self.projection = projection;
        self
    }

    /// Sets λ.
    pub fn with_lambda(mut self, lambda: f64) -> Self {
        self.lambda = lambda;
        self
    }

    /// Sets the share of the steps over which λ grows from 0.
    pub fn with_lambda_warmup_ratio(mut self, lambda_warmup_ratio: f64) -> Self {
        self.lambda_warmup_ratio = lambda_warmup_ratio;
        self
    }

    /// Sets the direction.
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Sets whether the align term leaves the reasoned view alone.
    pub fn with_detach_reasoned(mut self, detach_reasoned: bool) -> Self {
        self.detach_reasoned = detach_reasoned;
        self
    }

    /// Sets the align term.
    pub fn with_align(mut self, align: Align) -> Self {
        self.align = align;
        self
    }

    /// Sets which examples the align term listens to.
    pub fn with_align_weighting(mut self, align_weighting: AlignWeighting) -> Self {
        self.align_weighting = align_weighting;
        self
    }

    /// Sets the capacity of the queue of further negatives.
    pub fn with_queue_size(mut self, queue_size: usize) -> Self {
        self.queue_size = queue_size;
        self
    }

    /// Sets the norm below which a representation has no direction.
    pub fn with_norm_eps(mut self, norm_eps: f64) -> Self {
        self.norm_eps = norm_eps;
        self
    }

    /// # Errors
    /// [`CrsdLossError::InvalidConfig`] names the field, its value and the allowed range;
    /// [`CrsdLossError::QueueRefused`] says what a queue does not go with.
    pub fn validate(&self) -> Result<(), CrsdLossError> {
        self.info_nce().validate()?;
        if self.learnable_temperature {
            LearnableTemperature::check(self.temperature)?;
        }
        if let Some(projection) = &self.projection {
            projection.validate()?;
        }
        if self.queue_size > 0 {
            check_queue(self.detach_reasoned, self.align == Align::InfoNce)?;
        }
        if !(self.lambda.is_finite() && self.lambda >= 0.0) {
            return Err(CrsdLossError::InvalidConfig {
                field: "lambda",
                value: self.lambda,
                allowed: "a finite number, at least 0",
            });
        }
        if !(0.0..=1.0).contains(&self.lambda_warmup_ratio) {
            return Err(CrsdLossError::InvalidConfig {
                field: "lambda_warmup_ratio",
                value: self.lambda_warmup_ratio,
                allowed: "0 to 1",
            });
        }
        Ok(())
    }

    /// The loss.
    ///
    /// # Errors
    /// As [`CrsdLossConfig::validate`].
    pub fn init(&self) -> Result<CrsdLoss, CrsdLossError> {
        self.validate()?;
        CrsdLoss::new(self)
    }

    /// The part that configures the align term.
    pub fn info_nce(&self) -> InfoNceConfig {
        InfoNceConfig {
            temperature: self.temperature,
            direction: self.direction,
            norm_eps: self.norm_eps,
        }
    }

    /// The schedule of λ in a run of `max_steps` optimiser steps; its value goes into
    /// [`CrsdLoss::forward`].
    pub fn lambda_schedule(&self, max_steps: usize) -> LambdaSchedule {
        LambdaSchedule::new(self.lambda_warmup_ratio, max_steps)
    }
}
