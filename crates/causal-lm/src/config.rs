//! The shape of a decoder, under the keys of a Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::CausalLmError;
use crate::model_type::ModelType;

/// The shape of a decoder.
///
/// Keys and meanings are those of Hugging Face's `Qwen3Config`, `Qwen2Config` and `LlamaConfig`.
/// Keys of a `config.json` that change nothing here are kept in [`extra`](Self::extra) and written
/// back: such a file has many, and each version of `transformers` adds some, so an unknown one is no
/// mistake as it would be in a configuration of our own. Keys that would change the computation in a way
/// this crate does not implement (scaled RoPE, sliding windows, another activation, quantised weights)
/// are refused.
///
/// The default is a decoder of about 1.3 million parameters, small enough to be trained from
/// nothing on a CPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct CausalLmConfig {
    /// The family. Default `qwen3`.
    pub model_type: ModelType,
    /// Tokens in the vocabulary. Default 4096.
    pub vocab_size: usize,
    /// Width of the residual stream. Default 128.
    pub hidden_size: usize,
    /// Width of the MLP. Default 384.
    pub intermediate_size: usize,
    /// Blocks. Default 4.
    pub num_hidden_layers: usize,
    /// Query heads. Default 4.
    pub num_attention_heads: usize,
    /// Key and value heads; each serves `num_attention_heads / num_key_value_heads` query heads.
    /// Default 2; absent in a file: `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// Width of a head; none: `hidden_size / num_attention_heads`. Default none.
    pub head_dim: Option<usize>,
    /// Epsilon of every RMSNorm. Default 1e-6.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies. Default 10000.
    pub rope_theta: f64,
    /// Whether the head is the transposed embedding. Default true; absent in a file: false.
    pub tie_word_embeddings: bool,
    /// Biases on the attention's projections (`qwen3` and `llama`; `qwen2` always has its own).
    /// Default false.
    pub attention_bias: bool,
    /// Biases in the MLP (`llama` only). Default false.
    pub mlp_bias: bool,
    /// Longest sequence, in tokens. Default 1024; absent in a file: 2048.
    pub max_position_embeddings: usize,
    /// Standard deviation of the initial weights. Default 0.02.
    pub initializer_range: f64,
    /// The token that begins a text. Default none.
    pub bos_token_id: Option<u32>,
    /// The tokens that end a text: generation stops at any of them. Default none.
    pub eos_token_id: Vec<u32>,
    /// The token that fills short rows. Default none.
    pub pad_token_id: Option<u32>,
    /// Every other key of the file.
    pub extra: Map<String, Value>,
}

impl Default for CausalLmConfig {
    fn default() -> Self {
        Self {
            model_type: ModelType::Qwen3,
            vocab_size: 4096,
            hidden_size: 128,
            intermediate_size: 384,
            num_hidden_layers: 4,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: None,
            rms_norm_eps: 1e-6,
            rope_theta: 10_000.0,
            tie_word_embeddings: true,
            attention_bias: false,
            mlp_bias: false,
            max_position_embeddings: 1024,
            initializer_range: 0.02,
            bos_token_id: None,
            eos_token_id: Vec::new(),
            pad_token_id: None,
            extra: Map::new(),
        }
    }
}

impl CausalLmConfig {
    /// Width of a head: `head_dim`, or `hidden_size / num_attention_heads`.
    pub fn head_size(&self) -> usize {
        self.head_dim
            .unwrap_or_else(|| self.hidden_size / self.num_attention_heads.max(1))
    }

    /// Query heads that share one key and value head.
    pub fn group_size(&self) -> usize {
        self.num_attention_heads / self.num_key_value_heads.max(1)
    }

    /// Whether query and key are normalised head by head.
    pub fn has_qk_norm(&self) -> bool {
        self.model_type == ModelType::Qwen3
    }

    /// Whether query, key and value projections have a bias.
    pub fn has_qkv_bias(&self) -> bool {
        self.model_type == ModelType::Qwen2 || self.attention_bias
    }

    /// Whether the attention's output projection has a bias.
    pub fn has_output_bias(&self) -> bool {
        self.model_type != ModelType::Qwen2 && self.attention_bias
    }

    /// Whether the MLP has biases.
    pub fn has_mlp_bias(&self) -> bool {
        self.model_type == ModelType::Llama && self.mlp_bias
    }

    /// Trainable numbers; `usize::MAX` if there are more than that.
    pub fn num_parameters(&self) -> usize {
        let (h, i, d) = (self.hidden_size, self.intermediate_size, self.head_size());
        let q = self.num_attention_heads.saturating_mul(d);
        let kv = self.num_key_value_heads.saturating_mul(d);
        let some = |has: bool, sizes: &[usize]| if has { sum(sizes) } else { 0 };
        let layer = sum(&[
            h.saturating_mul(sum(&[q, q, kv, kv])),
            h.saturating_mul(sum(&[i, i, i])),
            some(self.has_qkv_bias(), &[q, kv, kv]),
            some(self.has_output_bias(), &[h]),
            some(self.has_mlp_bias(), &[i, i, h]),
            some(self.has_qk_norm(), &[d, d]),
            sum(&[h, h]),
        ]);
        let heads = if self.tie_word_embeddings { 1 } else { 2 };
        sum(&[
            self.vocab_size.saturating_mul(h).saturating_mul(heads),
            self.num_hidden_layers.saturating_mul(layer),
            h,
        ])
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`CausalLmError::InvalidConfig`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), CausalLmError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (field, value) in sizes {
            if value == 0 {
                return Err(CausalLmError::invalid(field, value, "at least 1"));
            }
        }
        self.validate_heads()?;
        self.validate_memory()?;
        let numbers = [
            ("rms_norm_eps", self.rms_norm_eps),
            ("rope_theta", self.rope_theta),
            ("initializer_range", self.initializer_range),
        ];
        for (field, value) in numbers {
            if !(value.is_finite() && value > 0.0) {
                return Err(CausalLmError::invalid(field, value, "a number above 0"));
            }
        }
        if self.mlp_bias && self.model_type != ModelType::Llama {
            return Err(CausalLmError::invalid(
                "mlp_bias",
                true,
                "false, except for llama",
            ));
        }
        self.validate_token_ids()
    }

    fn validate_heads(&self) -> Result<(), CausalLmError> {
        let (heads, kv) = (self.num_attention_heads, self.num_key_value_heads);
        if !heads.is_multiple_of(kv) {
            let allowed = format!("a divisor of num_attention_heads = {heads}");
            return Err(CausalLmError::invalid("num_key_value_heads", kv, allowed));
        }
        match self.head_dim {
            None if !self.hidden_size.is_multiple_of(heads) => Err(CausalLmError::invalid(
                "hidden_size",
                self.hidden_size,
                format!("a multiple of num_attention_heads = {heads}, unless head_dim is given"),
            )),
            _ if self.head_size() == 0 || !self.head_size().is_multiple_of(2) => {
                let allowed = "an even number (RoPE turns pairs)";
                Err(CausalLmError::invalid(
                    "head_dim",
                    self.head_size(),
                    allowed,
                ))
            }
            _ => Ok(()),
        }
    }

    /// Refuses sizes whose product is no size any more, before something is multiplied or asked for.
    fn validate_memory(&self) -> Result<(), CausalLmError> {
        let h = self.hidden_size;
        let heads = self.num_attention_heads.saturating_mul(self.head_size());
        let sizes = [
            ("head_dim", self.head_size(), heads.saturating_mul(h)),
            (
                "vocab_size",
                self.vocab_size,
                self.vocab_size.saturating_mul(h),
            ),
            (
                "intermediate_size",
                self.intermediate_size,
                self.intermediate_size.saturating_mul(h),
            ),
            (
                "num_hidden_layers",
                self.num_hidden_layers,
                self.num_parameters(),
            ),
        ];
        for (field, value, numbers) in sizes {
            if numbers > MOST_NUMBERS {
                let allowed = format!("weights of at most {MOST_NUMBERS} numbers");
                return Err(CausalLmError::invalid(field, value, allowed));
            }
        }
        Ok(())
    }

    fn validate_token_ids(&self) -> Result<(), CausalLmError> {
        let ids = (self.eos_token_id.iter().map(|id| ("eos_token_id", id)))
            .chain(self.bos_token_id.iter().map(|id| ("bos_token_id", id)))
            .chain(self.pad_token_id.iter().map(|id| ("pad_token_id", id)));
        for (field, &id) in ids {
            if id as usize >= self.vocab_size {
                let allowed = format!("below vocab_size = {}", self.vocab_size);
                return Err(CausalLmError::invalid(field, id, allowed));
            }
        }
        Ok(())
    }
}

/// The most f32 numbers that a machine has addresses for.
const MOST_NUMBERS: usize = isize::MAX as usize / 4;

fn sum(sizes: &[usize]) -> usize {
    sizes.iter().fold(0, |sum, &size| sum.saturating_add(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_small() {
        let config = CausalLmConfig::default();
        config.validate().unwrap();
        assert_eq!(config.num_parameters(), 1_312_128);
    }

    #[test]
    fn each_bad_field_is_named() {
        let base = CausalLmConfig::default;
        let cases = [
            (
                "vocab_size",
                CausalLmConfig {
                    vocab_size: 0,
                    ..base()
                },
            ),
            (
                "num_key_value_heads",
                CausalLmConfig {
                    num_key_value_heads: 3,
                    ..base()
                },
            ),
            (
                "hidden_size",
                CausalLmConfig {
                    hidden_size: 130,
                    ..base()
                },
            ),
            (
                "head_dim",
                CausalLmConfig {
                    head_dim: Some(7),
                    ..base()
                },
            ),
            (
                "head_dim",
                CausalLmConfig {
                    head_dim: Some(1 << 60),
                    ..base()
                },
            ),
            (
                "vocab_size",
                CausalLmConfig {
                    vocab_size: usize::MAX,
                    ..base()
                },
            ),
            (
                "num_hidden_layers",
                CausalLmConfig {
                    num_hidden_layers: 1 << 60,
                    ..base()
                },
            ),
            (
                "rms_norm_eps",
                CausalLmConfig {
                    rms_norm_eps: 0.0,
                    ..base()
                },
            ),
            (
                "rope_theta",
                CausalLmConfig {
                    rope_theta: f64::NAN,
                    ..base()
                },
            ),
            (
                "mlp_bias",
                CausalLmConfig {
                    mlp_bias: true,
                    ..base()
                },
            ),
            (
                "eos_token_id",
                CausalLmConfig {
                    eos_token_id: vec![4096],
                    ..base()
                },
            ),
        ];
        for (field, config) in cases {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{field}`")), "{message}");
        }
    }
}
