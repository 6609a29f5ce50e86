//! The decoder.

use burn::module::Module;
use burn::nn::{Embedding, Linear, RmsNorm};
use burn::tensor::{Bool, Device, Int, Tensor};

use crate::attention::SelfAttention;
use crate::attention_pattern::Masks;
use crate::batch::LmBatch;
use crate::config::CausalLmConfig;
use crate::kv_cache::{KvCache, LayerCache};
use crate::mlp::SwiGlu;
use crate::rotary::Rotary;

/// A causal language model: a Qwen3, Qwen2 or Llama decoder with its head.
///
/// Made by [`CausalLmConfig::init`] or [`CausalLm::from_dir`]. Parameter names are those of the
/// Hugging Face file (`model.layers.0.self_attn.q_proj.weight`, ...).
#[derive(Module, Debug)]
pub struct CausalLm {
    pub(crate) model: Decoder,
    /// Absent if the head is the transposed embedding.
    pub(crate) lm_head: Option<Linear>,
    #[module(skip)]
    pub(crate) config: CausalLmConfig,
}

/// Everything below the head.
#[derive(Module, Debug)]
pub(crate) struct Decoder {
    pub(crate) embed_tokens: Embedding,
    pub(crate) layers: Vec<DecoderLayer>,
    pub(crate) norm: RmsNorm,
}

/// One pre-norm block.
#[derive(Module, Debug)]
pub(crate) struct DecoderLayer {
    pub(crate) self_attn: SelfAttention,
    pub(crate) mlp: SwiGlu,
    pub(crate) input_layernorm: RmsNorm,
    pub(crate) post_attention_layernorm: RmsNorm,
}

/// Tokens on their way into the decoder.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// `[b, t]`.
    pub(crate) ids: Tensor<2, Int>,
    /// `[b, t]`.
    pub(crate) positions: Tensor<2, Int>,
    /// `[1 or b, 1, t, s]`, `true` where a query must not look.
    pub(crate) masked: Option<Tensor<4, Bool>>,
}

impl DecoderLayer {
    fn forward(
        &self,
        x: Tensor<3>,
        rotary: &Rotary,
        masks: Option<&Masks>,
        cache: Option<&mut LayerCache>,
    ) -> Tensor<3> {
        let normed = self.input_layernorm.forward(x.clone());
        let x = x + self.self_attn.forward(normed, rotary, masks, cache); // [b, t, h]
        let normed = self.post_attention_layernorm.forward(x.clone());
        x + self.mlp.forward(normed)
    }
}

impl CausalLm {
    /// The shape of the model.
    pub fn config(&self) -> &CausalLmConfig {
        &self.config
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        self.model.embed_tokens.weight.device()
    }

    /// Scores of the next token at every position, in logits.
    ///
    /// The head is the costliest part of a small model: where only some positions count,
    /// [`sequence_log_probs`](crate::sequence_log_probs) and
    /// [`next_token_loss`](crate::next_token_loss) compute those alone.
    ///
    /// # Shapes
    /// - output: `[b, t, v]`
    ///
    /// # Panics
    /// If a token id is outside the vocabulary.
    pub fn forward(&self, batch: &LmBatch) -> Tensor<3> {
        let hidden = self.hidden_states(batch);
        let [b, t, h] = hidden.dims();
        let logits = self.logits(hidden.reshape([b * t, h])); // [b*t, v]
        logits.reshape([b, t, self.config.vocab_size])
    }

    /// The last layer's output, after the final norm.
    ///
    /// # Shapes
    /// - output: `[b, t, h]`
    ///
    /// # Panics
    /// If a token id is outside the vocabulary.
    pub fn hidden_states(&self, batch: &LmBatch) -> Tensor<3> {
        self.decode(
            Tokens {
                ids: batch.input_ids.clone(),
                positions: batch.position_ids.clone(),
                masked: batch
                    .attention
                    .masked(batch.input_ids.dims()[1], &self.device()),
            },
            None,
        )
    }

    /// The head: logits of the next token from [`CausalLm::hidden_states`].
    ///
    /// # Shapes
    /// - `hidden`: `[n, h]`
    /// - output: `[n, v]`
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        match &self.lm_head {
            Some(head) => head.forward(hidden),
            None => hidden.matmul(self.model.embed_tokens.weight.val().transpose()),
        }
    }

    /// Runs the blocks; with a cache the tokens follow those that it holds.
    pub(crate) fn decode(&self, tokens: Tokens, mut cache: Option<&mut KvCache>) -> Tensor<3> {
        let (head_dim, theta) = (self.config.head_size(), self.config.rope_theta);
        let rotary = Rotary::new(tokens.positions, head_dim, theta);
        let graph = self.device().is_autodiff();
        let group_size = self.config.group_size();
        let masks = tokens
            .masked
            .map(|masked| Masks::new(masked, group_size, graph));
        let mut x = self.model.embed_tokens.forward(tokens.ids); // [b, t, h]
        for (index, layer) in self.model.layers.iter().enumerate() {
            let cache = cache.as_deref_mut().map(|cache| &mut cache.layers[index]);
            x = layer.forward(x, &rotary, masks.as_ref(), cache);
        }
        self.model.norm.forward(x)
    }
}
