//! A small network between the representations and the align term.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::CrsdLossError;

/// Configuration of [`ProjectionHead`]. Unknown keys are rejected, missing ones take their default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ProjectionHeadConfig {
    /// Width of the aligned representation, `d`. Default 128, SimCLR's.
    pub output_size: usize,
}

impl Default for ProjectionHeadConfig {
    fn default() -> Self {
        Self { output_size: 128 }
    }
}

impl ProjectionHeadConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the width of the aligned representation.
    pub fn with_output_size(mut self, output_size: usize) -> Self {
        self.output_size = output_size;
        self
    }

    /// # Errors
    /// [`CrsdLossError::InvalidConfig`] for a width of 0.
    pub fn validate(&self) -> Result<(), CrsdLossError> {
        if self.output_size == 0 {
            return Err(CrsdLossError::InvalidConfig {
                field: "projection.output_size",
                value: 0.0,
                allowed: "at least 1",
            });
        }
        Ok(())
    }
}

/// `W_2 max(W_1 x + b_1, 0)`: SimCLR's projection head (arXiv 2002.05709, section 2.1), one for
/// both views.
///
/// The align term then shapes the head's output instead of `[CLS]` itself, which keeps what the
/// classifier needs but the other view does not know. The output has no bias: it would add the
/// same direction to every representation, and cosines would grow alike.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{ProjectionHead, ProjectionHeadConfig};
///
/// let device = Device::default();
/// let config = ProjectionHeadConfig::new().with_output_size(3);
/// let head = ProjectionHead::new(&config, 8, /* seed */ 1, &device)?;
/// assert_eq!(head.forward(Tensor::ones([2, 8], &device)).dims(), [2, 3]);
/// assert_eq!((head.input_size(), head.output_size()), (8, 3));
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Module, Debug)]
pub struct ProjectionHead {
    hidden: Linear,
    output: Linear,
}

impl ProjectionHead {
    /// A head on representations of width `hidden_size`, drawn from `seed`:
    /// `U(-1/√h, 1/√h)`, as torch's `Linear` is.
    ///
    /// # Errors
    /// As [`ProjectionHeadConfig::validate`]; [`CrsdLossError::InvalidConfig`] for a
    /// `hidden_size` of 0.
    pub fn new(
        config: &ProjectionHeadConfig,
        hidden_size: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self, CrsdLossError> {
        config.validate()?;
        if hidden_size == 0 {
            return Err(CrsdLossError::InvalidConfig {
                field: "hidden_size",
                value: 0.0,
                allowed: "at least 1",
            });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let bound = 1.0 / (hidden_size as f64).sqrt();
        let mut draw = |count: usize| -> Vec<f32> {
            let value = |_| ((rng.random::<f64>() * 2.0 - 1.0) * bound) as f32;
            (0..count).map(value).collect()
        };
        let (h, d) = (hidden_size, config.output_size);
        let mut matrix = |shape: [usize; 2]| {
            let values = TensorData::new(draw(shape[0] * shape[1]), shape);
            Param::from_tensor(Tensor::from_data(values, device))
        };
        let (hidden, output) = (matrix([h, h]), matrix([h, d]));
        let bias = Tensor::from_data(TensorData::new(draw(h), [h]), device);
        Ok(Self {
            hidden: Linear {
                weight: hidden,
                bias: Some(Param::from_tensor(bias)),
            },
            output: Linear {
                weight: output,
                bias: None,
            },
        })
    }

    /// `h`, the width that the head reads.
    pub fn input_size(&self) -> usize {
        self.hidden.weight.shape()[0]
    }

    /// `d`, the width that it gives.
    pub fn output_size(&self) -> usize {
        self.output.weight.shape()[1]
    }

    /// The projected representations, in f32.
    ///
    /// # Shapes
    /// - `representations`: `[b, h]`
    /// - output: `[b, d]`
    pub fn forward(&self, representations: Tensor<2>) -> Tensor<2> {
        let hidden = self.hidden.forward(representations.cast(DType::F32)); // [b, h]
        self.output.forward(relu(hidden)) // [b, d]
    }
}
