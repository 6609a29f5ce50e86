//! Multi-head self-attention, after Vaswani et al. 2017, section 3.2, as BERT uses it.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, Linear};
use burn::tensor::activation::softmax;
use burn::tensor::module::attention;
#[cfg(all(feature = "train", feature = "flex"))]
use burn::tensor::module::linear;
use burn::tensor::{Bool, Tensor};

#[cfg(all(feature = "train", feature = "flex"))]
use crate::fused;
use crate::init::Fresh;

/// Added to the score of a padded key: large enough that its probability is exactly 0 in f32, and
/// finite, so that no row can become NaN.
const MASKED: f64 = -1e9;

/// What is added to the attention scores, `[b, 1, 1, t]`: 0 at real tokens, a large negative number
/// at padding.
///
/// A float and not a Bool tensor: burn 0.22's libtorch backend hands a Bool mask to a function for
/// which `true` has the opposite meaning.
#[derive(Debug, Clone)]
pub(crate) struct AttentionBias(Option<Tensor<4>>);

impl AttentionBias {
    /// `mask` is `true` at real tokens, `[b, t]`; `None` if no row is padded: then nothing is built.
    pub(crate) fn new(mask: Option<&Tensor<2, Bool>>) -> Self {
        Self(mask.map(|real| {
            let [b, t] = real.dims();
            let padded = real.clone().bool_not().float() * MASKED;
            padded.reshape([b, 1, 1, t])
        }))
    }
}

/// `attention` of a layer: self-attention, its output projection, the residual and the norm.
#[derive(Module, Debug)]
pub struct BertAttention {
    /// `attention.self`: the projections to queries, keys and values. `self` is a keyword of Rust.
    pub self_attention: BertSelfAttention,
    /// `attention.output`.
    pub output: BertOutputProjection,
}

impl BertAttention {
    pub(crate) fn new(fresh: &mut Fresh<'_>) -> Self {
        let hidden = fresh.config.hidden_size;
        Self {
            self_attention: BertSelfAttention::new(fresh),
            output: BertOutputProjection::new(fresh, hidden),
        }
    }

    /// Each of `rows` looks at all of `hidden`: `[b, q, h]`, `[b, t, h]` → `[b, q, h]`.
    pub(crate) fn forward(
        &self,
        rows: Tensor<3>,
        hidden: Tensor<3>,
        bias: &AttentionBias,
    ) -> Tensor<3> {
        let context = self.self_attention.forward(rows.clone(), hidden, bias);
        self.output.forward(context, rows)
    }
}

/// The query, key and value projections and the attention between them.
#[derive(Module, Debug)]
pub struct BertSelfAttention {
    /// `[h, h]` and `[h]`.
    pub query: Linear,
    /// `[h, h]` and `[h]`.
    pub key: Linear,
    /// `[h, h]` and `[h]`.
    pub value: Linear,
    dropout: Dropout,
    heads: usize,
}

impl BertSelfAttention {
    fn new(fresh: &mut Fresh<'_>) -> Self {
        let config = fresh.config;
        let hidden = config.hidden_size;
        Self {
            query: fresh.linear(hidden, hidden),
            key: fresh.linear(hidden, hidden),
            value: fresh.linear(hidden, hidden),
            dropout: DropoutConfig::new(config.attention_probs_dropout_prob).init(),
            heads: config.num_attention_heads,
        }
    }

    fn forward(&self, rows: Tensor<3>, hidden: Tensor<3>, bias: &AttentionBias) -> Tensor<3> {
        #[cfg(all(feature = "train", feature = "flex"))]
        if fused::applies_to(&rows) {
            let projections = fused::Projections {
                query: &self.query,
                key: &self.key,
                value: &self.value,
            };
            let bias = bias.0.clone();
            return fused::attention(rows, hidden, &projections, bias, self.heads, &self.dropout);
        }
        let [b, q, h] = rows.dims();
        let query = self.split(self.query.forward(rows)); // [b, heads, q, d]
        let key = self.split(self.key.forward(hidden.clone())); // [b, heads, t, d]
        let value = self.split(self.value.forward(hidden)); // [b, heads, t, d]
        let context = if query.device().is_autodiff() {
            self.attend(query, key, value, bias)
        } else {
            let [_, _, t, _] = key.dims();
            // One copy for all heads: a backend's kernel would make one a head.
            let bias = bias.0.clone().map(|bias| bias.expand([b, 1, q, t]));
            attention(query, key, value, None, bias, Default::default())
        };
        context.swap_dims(1, 2).reshape([b, q, h]) // [b, heads, q, d] -> [b, q, h]
    }

    /// `[b, t, h]` → `[b, heads, t, d]`
    fn split(&self, projected: Tensor<3>) -> Tensor<4> {
        let [b, t, h] = projected.dims();
        projected
            .reshape([b, t, self.heads, h / self.heads])
            .swap_dims(1, 2)
    }

    /// burn's own attention has no dropout, so training spells the formula out:
    /// `dropout(softmax(Q Kᵀ / √d + bias)) V`.
    fn attend(
        &self,
        query: Tensor<4>,
        key: Tensor<4>,
        value: Tensor<4>,
        bias: &AttentionBias,
    ) -> Tensor<4> {
        let [_, _, _, d] = query.dims();
        // Scaled before the product: d numbers a row and not t.
        let query = query / (d as f64).sqrt();
        let mut scores = query.matmul(key.swap_dims(2, 3)); // [b, heads, q, t]
        if let Some(bias) = &bias.0 {
            scores = scores + bias.clone();
        }
        self.dropout.forward(softmax(scores, 3)).matmul(value) // [b, heads, q, d]
    }
}

/// A projection back to `h`, dropout, the residual and the norm: `attention.output` and `output`.
#[derive(Module, Debug)]
pub struct BertOutputProjection {
    /// `[inputs, h]` and `[h]`.
    pub dense: Linear,
    /// `LayerNorm` after the residual.
    pub layer_norm: LayerNorm,
    dropout: Dropout,
    /// The norm's, which burn keeps to itself.
    #[cfg_attr(not(all(feature = "train", feature = "flex")), allow(dead_code))]
    epsilon: f64,
}

impl BertOutputProjection {
    pub(crate) fn new(fresh: &mut Fresh<'_>, inputs: usize) -> Self {
        let config = fresh.config;
        Self {
            dense: fresh.linear(inputs, config.hidden_size),
            layer_norm: fresh.layer_norm(),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
            epsilon: config.layer_norm_eps,
        }
    }

    /// `[b, t, inputs]` and the residual `[b, t, h]` → `[b, t, h]`
    pub(crate) fn forward(&self, inputs: Tensor<3>, residual: Tensor<3>) -> Tensor<3> {
        #[cfg(all(feature = "train", feature = "flex"))]
        if let (Some(bias), true) = (&self.dense.bias, fused::applies_to(&inputs)) {
            let projected = linear(inputs, self.dense.weight.val(), None);
            return fused::residual_norm(
                projected,
                bias.val(),
                residual,
                &self.dropout,
                &self.layer_norm,
                self.epsilon,
            );
        }
        let projected = self.dropout.forward(self.dense.forward(inputs));
        self.layer_norm.forward(projected + residual)
    }
}
