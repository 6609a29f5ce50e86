//! The families of decoders, and where they differ.

use std::fmt;

use hf_folder::Architecture;
use serde::{Deserialize, Serialize};

/// A family of decoders. They share one block and differ in three places: the norm on queries and
/// keys, and the biases of attention and MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ModelType {
    /// `Qwen3ForCausalLM`: RMSNorm on each head's query and key; biases by `attention_bias`.
    #[default]
    Qwen3,
    /// `Qwen2ForCausalLM`: biases on query, key and value, none on the output.
    Qwen2,
    /// `LlamaForCausalLM`: biases by `attention_bias` and `mlp_bias`.
    Llama,
}

impl ModelType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Qwen3, Self::Qwen2, Self::Llama];

    /// The `model_type` of `config.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qwen3 => "qwen3",
            Self::Qwen2 => "qwen2",
            Self::Llama => "llama",
        }
    }

    /// The class that `transformers` builds.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::Qwen3 => "Qwen3ForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Llama => "LlamaForCausalLM",
        }
    }
}

impl Architecture for ModelType {
    const ALL: &'static [Self] = &Self::ALL;

    fn model_type(self) -> &'static str {
        self.as_str()
    }
}

impl fmt::Display for ModelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
