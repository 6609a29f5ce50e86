//! Fresh models and their parameters, drawn as `transformers` draws them: weights from a normal distribution with
//! standard deviation `initializer_range`, biases zero, norms one, the padding embedding zero.

use burn::module::{Param, ParamId};
use burn::nn::{Embedding, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Device, Shape, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::{BertConfig, BertForSequenceClassification, BertModel, StudentError};

impl BertConfig {
    /// A fresh classifier of this shape and these classes; the same seed gives the same weights on every
    /// device.
    ///
    /// # Errors
    /// As [`BertConfig::validate`].
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use student_model::BertConfig;
    ///
    /// let config = BertConfig { vocab_size: 50, hidden_size: 16, num_attention_heads: 2,
    ///     intermediate_size: 32, ..BertConfig::default() };
    /// let model = config.with_labels(&["yes", "no"]).init(/* seed */ 7, &Device::default())?;
    /// assert_eq!(model.config().labels(), ["yes", "no"]);
    /// let error = BertConfig { vocab_size: 0, ..BertConfig::default() }.init(7, &Device::default());
    /// assert_eq!(error.unwrap_err().to_string(), "`vocab_size` is 0, allowed: at least 1");
    /// # Ok::<(), student_model::StudentError>(())
    /// ```
    pub fn init(
        &self,
        seed: u64,
        device: &Device,
    ) -> Result<BertForSequenceClassification, StudentError> {
        self.validate()?;
        let mut fresh = Fresh::new(self, device, seed);
        Ok(BertForSequenceClassification::fresh(&mut fresh))
    }

    /// A fresh encoder with a pooler, without a classifier.
    ///
    /// # Errors
    /// As [`BertConfig::validate`].
    pub fn init_encoder(&self, seed: u64, device: &Device) -> Result<BertModel, StudentError> {
        self.validate()?;
        Ok(BertModel::fresh(&mut Fresh::new(self, device, seed), true))
    }
}

/// Hands out parameters that are drawn when first used, and never if a checkpoint is loaded first.
///
/// Each weight has its own stream of the seed, so its values depend on its place in the model and on
/// nothing else.
pub(crate) struct Fresh<'a> {
    pub(crate) config: &'a BertConfig,
    pub(crate) device: &'a Device,
    seed: u64,
    stream: u64,
}

impl<'a> Fresh<'a> {
    pub(crate) fn new(config: &'a BertConfig, device: &'a Device, seed: u64) -> Self {
        Self {
            config,
            device,
            seed,
            stream: 0,
        }
    }

    pub(crate) fn linear(&mut self, inputs: usize, outputs: usize) -> Linear {
        Linear {
            weight: self.normal([inputs, outputs], None),
            bias: Some(self.zeros(outputs)),
        }
    }

    /// `zero_row` is the padding token, if the table has one.
    pub(crate) fn embedding(&mut self, rows: usize, zero_row: Option<usize>) -> Embedding {
        Embedding {
            weight: self.normal([rows, self.config.hidden_size], zero_row),
        }
    }

    pub(crate) fn layer_norm(&self) -> LayerNorm {
        LayerNormConfig::new(self.config.hidden_size)
            .with_epsilon(self.config.layer_norm_eps)
            .init(self.device)
    }

    fn zeros(&self, size: usize) -> Param<Tensor<1>> {
        burn::module::Initializer::Zeros.init([size], self.device)
    }

    fn normal(&mut self, shape: [usize; 2], zero_row: Option<usize>) -> Param<Tensor<2>> {
        let (seed, stream, std) = (self.seed, self.stream, self.config.initializer_range);
        self.stream += 1;
        let draw = move |device: &Device, require_grad: bool| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            let mut values = normals(&mut rng, shape[0] * shape[1], std);
            if let Some(row) = zero_row {
                values[row * shape[1]..(row + 1) * shape[1]].fill(0.0);
            }
            let tensor = Tensor::from_data(TensorData::new(values, shape), device);
            if require_grad {
                tensor.require_grad()
            } else {
                tensor
            }
        };
        let device = self.device.clone();
        Param::uninitialized(ParamId::new(), draw, device, true, Shape::new(shape))
    }
}

/// `count` draws from `N(0, std²)` by Box and Muller's transform.
fn normals(rng: &mut ChaCha8Rng, count: usize, std: f64) -> Vec<f32> {
    // Halfway between the grid's points: never 0, so its logarithm is finite.
    let mut uniform = || (f64::from(rng.next_u32()) + 0.5) / 4_294_967_296.0;
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let radius = std * (-2.0 * uniform().ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * uniform()).sin_cos();
        values.push((radius * cos) as f32);
        values.push((radius * sin) as f32);
    }
    values.truncate(count);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_the_asked_moments() {
        let values = normals(&mut ChaCha8Rng::seed_from_u64(7), 100_001, 0.02);
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n;
        assert_eq!(values.len(), 100_001);
        assert!(mean.abs() < 3e-4, "{mean}");
        assert!((variance.sqrt() - 0.02).abs() < 2e-4, "{variance}");
    }
}
