//! New decoders, with random weights that depend on the seed alone.

use burn::module::{Param, ParamId};
use burn::nn::{Embedding, Linear, RmsNorm, RmsNormConfig};
use burn::tensor::{Device, Shape, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::attention::{Projections, SelfAttention};
use crate::config::CausalLmConfig;
use crate::error::CausalLmError;
use crate::mlp::SwiGlu;
use crate::model::{CausalLm, Decoder, DecoderLayer};

impl CausalLmConfig {
    /// A new model: matrices from a normal distribution with standard deviation
    /// `initializer_range`, biases 0, norms 1, as in `transformers`. The numbers are drawn on the
    /// host, so every device gets the same.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use causal_lm::CausalLmConfig;
    ///
    /// let config = CausalLmConfig { vocab_size: 50, ..Default::default() };
    /// let model = config.init(/* seed */ 7, &Device::default())?;
    /// assert_eq!(model.config(), &config);
    /// let error = CausalLmConfig { vocab_size: 0, ..config }.init(7, &Device::default()).unwrap_err();
    /// assert_eq!(error.to_string(), "`vocab_size` is 0, allowed: at least 1");
    /// # Ok::<(), causal_lm::CausalLmError>(())
    /// ```
    ///
    /// # Errors
    /// As [`CausalLmConfig::validate`].
    pub fn init(&self, seed: u64, device: &Device) -> Result<CausalLm, CausalLmError> {
        self.validate()?;
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Ok(Builder::new(self, Some(rng), device).model())
    }

    /// A model to be filled from a file; its matrices have no memory yet. The configuration must be
    /// valid.
    pub(crate) fn blank(&self, device: &Device) -> CausalLm {
        Builder::new(self, None, device).model()
    }
}

struct Builder<'a> {
    config: &'a CausalLmConfig,
    /// The source of random weights; none: they are not drawn, and zeros if nothing fills them.
    rng: Option<ChaCha8Rng>,
    device: &'a Device,
}

impl<'a> Builder<'a> {
    fn new(config: &'a CausalLmConfig, rng: Option<ChaCha8Rng>, device: &'a Device) -> Self {
        Self {
            config,
            rng,
            device,
        }
    }

    fn model(&mut self) -> CausalLm {
        let config = self.config;
        let (vocab, hidden) = (config.vocab_size, config.hidden_size);
        let embed_tokens = Embedding {
            weight: self.matrix(vocab, hidden),
        };
        let layers = (0..config.num_hidden_layers)
            .map(|_| self.layer())
            .collect();
        let lm_head = (!config.tie_word_embeddings).then(|| self.linear(hidden, vocab, false));
        CausalLm {
            model: Decoder {
                embed_tokens,
                layers,
                norm: self.norm(hidden),
            },
            lm_head,
            config: config.clone(),
        }
    }

    fn layer(&mut self) -> DecoderLayer {
        let config = self.config;
        let (h, i, d) = (
            config.hidden_size,
            config.intermediate_size,
            config.head_size(),
        );
        let q = config.num_attention_heads * d;
        let kv = config.num_key_value_heads * d;
        let (bias, qk_norm, mlp) = (
            config.has_qkv_bias(),
            config.has_qk_norm(),
            config.has_mlp_bias(),
        );
        let projections = Projections {
            q_proj: self.linear(h, q, bias),
            k_proj: self.linear(h, kv, bias),
            v_proj: self.linear(h, kv, bias),
            o_proj: self.linear(q, h, config.has_output_bias()),
            q_norm: qk_norm.then(|| self.norm(d)),
            k_norm: qk_norm.then(|| self.norm(d)),
        };
        DecoderLayer {
            self_attn: SelfAttention::new(config, projections),
            mlp: SwiGlu {
                gate_proj: self.linear(h, i, mlp),
                up_proj: self.linear(h, i, mlp),
                down_proj: self.linear(i, h, mlp),
            },
            input_layernorm: self.norm(h),
            post_attention_layernorm: self.norm(h),
        }
    }

    fn linear(&mut self, inputs: usize, outputs: usize, bias: bool) -> Linear {
        Linear {
            weight: self.matrix(inputs, outputs),
            bias: bias.then(|| Param::from_tensor(Tensor::zeros([outputs], self.device))),
        }
    }

    fn norm(&self, size: usize) -> RmsNorm {
        RmsNormConfig::new(size)
            .with_epsilon(self.config.rms_norm_eps)
            .init(self.device)
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Param<Tensor<2>> {
        let shape = [rows, columns];
        let Some(rng) = &mut self.rng else {
            let zeros = move |device: &Device, require_grad: bool| {
                Tensor::zeros(shape, device).set_require_grad(require_grad)
            };
            let device = self.device.clone();
            return Param::uninitialized(ParamId::new(), zeros, device, true, Shape::new(shape));
        };
        let values = normal(rng, rows * columns, self.config.initializer_range);
        Param::from_tensor(Tensor::from_data(
            TensorData::new(values, shape),
            self.device,
        ))
    }
}

/// `n` draws from a normal distribution (Box and Muller).
fn normal(rng: &mut ChaCha8Rng, n: usize, std: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        // In (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt() * std;
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        values.push((radius * angle.cos()) as f32);
        values.push((radius * angle.sin()) as f32);
    }
    values.truncate(n);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_normal_and_repeat() {
        let draw = |seed| normal(&mut ChaCha8Rng::seed_from_u64(seed), 20_001, 0.5);
        let values = draw(3);
        assert_eq!(values, draw(3));
        assert_ne!(values, draw(4));
        let n = values.len() as f32;
        let mean = values.iter().sum::<f32>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n;
        assert!(
            mean.abs() < 0.02 && (variance - 0.25).abs() < 0.01,
            "{mean} {variance}"
        );
    }
}
