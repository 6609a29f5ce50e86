//! Self-attention with grouped queries.

use burn::module::Module;
use burn::nn::{Linear, RmsNorm};
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use burn::tensor::module::attention;

use crate::attention_pattern::Masks;
use crate::config::CausalLmConfig;
use crate::kv_cache::LayerCache;
use crate::rotary::Rotary;

/// What a masked score becomes: low enough to vanish in the softmax.
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
    /// - `masks`: over `s` keys, those of the cache included
    pub(crate) fn forward(
        &self,
        x: Tensor<3>,
        rotary: &Rotary,
        masks: Option<&Masks>,
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
        // The heads of a group stand below one another, so that one product serves them all.
        let q = (q.reshape([b, t, kv, g, d]))
            .permute([0, 2, 3, 1, 4]) // [b, kv, g, t, d]
            .reshape([b, kv, g * t, d]);
        let bias = masks.and_then(|masks| masks.bias.clone());
        let mixed = match bias {
            // A bias and not a mask: libtorch's backend reads a mask the other way round.
            Some(bias) => attention(q, k, v, None, Some(bias), Default::default()),
            None => mixed(q, k, v, t, masks),
        }; // [b, kv, g*t, d]
        let mixed = mixed.reshape([b, kv, g, t, d]).permute([0, 3, 1, 2, 4]); // [b, t, kv, g, d]
        self.o_proj.forward(mixed.reshape([b, t, kv * g * d]))
    }
}

/// `softmax(q k^T / sqrt(d)) v`, step by step: with a graph, and for a single query, where it
/// spares a copy of the cache.
///
/// # Shapes
/// - `q`: `[b, kv, g*t, d]`, and the output
/// - `k`, `v`: `[b, kv, s, d]`
fn mixed(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, t: usize, masks: Option<&Masks>) -> Tensor<4> {
    let ([b, kv, rows, d], s) = (q.dims(), k.dims()[2]);
    let q = q.mul_scalar((d as f64).sqrt().recip());
    let scores = q.matmul(k.swap_dims(2, 3)); // [b, kv, g*t, s]
    let scores = scores.reshape([b, kv, rows / t, t, s]);
    let scores = match masks {
        Some(masks) => {
            let masked = masks.masked.clone().expand([b, kv, rows / t, t, s]);
            scores.mask_fill(masked, MASKED)
        }
        None => scores,
    };
    softmax(scores, 4).reshape([b, kv, rows, s]).matmul(v)
}

fn normed(norm: Option<&RmsNorm>, x: Tensor<4>) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}
