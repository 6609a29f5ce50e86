//! Self-attention with grouped queries.

use burn::module::Module;
use burn::nn::{Linear, RmsNorm};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Tensor};

use crate::config::CausalLmConfig;
use crate::kv_cache::LayerCache;
use crate::rotary::Rotary;

/// What a masked score becomes: low enough to vanish in the softmax, finite so that a row with
/// nothing to look at (padding) gives numbers instead of NaN.
const MASKED: f32 = -1e9;

/// Grouped-query attention (Ainslie et al., 2305.13245): `g` query heads share a key and value
/// head; in Qwen3 each head's query and key are normalised before they are turned.
#[derive(Module, Debug)]
pub(crate) struct SelfAttention {
    pub(crate) q_proj: Linear,
    pub(crate) k_proj: Linear,
    pub(crate) v_proj: Linear,
    pub(crate) o_proj: Linear,
    pub(crate) q_norm: Option<RmsNorm>,
    pub(crate) k_norm: Option<RmsNorm>,
    num_key_value_heads: usize,
    group_size: usize,
    head_dim: usize,
}

/// The projections and norms, under their names in the file.
#[derive(Debug)]
pub(crate) struct Projections {
    pub(crate) q_proj: Linear,
    pub(crate) k_proj: Linear,
    pub(crate) v_proj: Linear,
    pub(crate) o_proj: Linear,
    pub(crate) q_norm: Option<RmsNorm>,
    pub(crate) k_norm: Option<RmsNorm>,
}

impl SelfAttention {
    pub(crate) fn new(config: &CausalLmConfig, projections: Projections) -> Self {
        let Projections {
            q_proj,
            k_proj,
            v_proj,
            o_proj,
            q_norm,
            k_norm,
        } = projections;
        Self {
            q_proj,
            k_proj,
            v_proj,
            o_proj,
            q_norm,
            k_norm,
            num_key_value_heads: config.num_key_value_heads,
            group_size: config.group_size(),
            head_dim: config.head_size(),
        }
    }

    /// # Shapes
    /// - `x`: `[b, t, h]`, and the output
    /// - `masked`: `[1 or b, 1, t, s]`, `true` where a query must not look; `s` counts the cache
    pub(crate) fn forward(
        &self,
        x: Tensor<3>,
        rotary: &Rotary,
        masked: Option<&Tensor<4, Bool>>,
        cache: Option<&mut LayerCache>,
    ) -> Tensor<3> {
        let [b, t, _] = x.dims();
        let (kv, g, d) = (self.num_key_value_heads, self.group_size, self.head_dim);
        let q = self.q_proj.forward(x.clone()).reshape([b, t, kv * g, d]);
        let k = self.k_proj.forward(x.clone()).reshape([b, t, kv, d]);
        let v = self.v_proj.forward(x).reshape([b, t, kv, d]);
        let q = rotary.rotate(normed(self.q_norm.as_ref(), q)); // [b, t, kv*g, d]
        let k = rotary.rotate(normed(self.k_norm.as_ref(), k)); // [b, t, kv, d]
        let (k, v) = (k.swap_dims(1, 2), v.swap_dims(1, 2)); // [b, kv, t, d]
        let (k, v) = match cache {
            Some(cache) => cache.append(k, v), // [b, kv, s, d]
            None => (k, v),
        };
        let s = k.dims()[2];
        // The heads of a group stand below one another, so that one product serves them all.
        let q = (q.mul_scalar((d as f64).sqrt().recip()))
            .reshape([b, t, kv, g, d])
            .permute([0, 2, 3, 1, 4]) // [b, kv, g, t, d]
            .reshape([b, kv, g * t, d]);
        let scores = q.matmul(k.swap_dims(2, 3)).reshape([b, kv, g, t, s]);
        let scores = match masked {
            Some(masked) => {
                let masked = masked
                    .clone()
                    .unsqueeze_dim::<5>(1)
                    .expand([b, kv, g, t, s]);
                scores.mask_fill(masked, MASKED)
            }
            None => scores,
        };
        let weights = softmax(scores, 4).reshape([b, kv, g * t, s]);
        let mixed = weights.matmul(v).reshape([b, kv, g, t, d]);
        let mixed = mixed.permute([0, 3, 1, 2, 4]).reshape([b, t, kv * g * d]);
        self.o_proj.forward(mixed)
    }
}

fn normed(norm: Option<&RmsNorm>, x: Tensor<4>) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}
