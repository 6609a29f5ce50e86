//! Llama and Qwen style decoders on burn: Hugging Face checkpoints and generation with a KV cache.

mod attention;
mod attention_pattern;
mod batch;
mod checkpoint;
mod config;
mod config_json;
mod continuation;
mod error;
mod generate;
mod init;
mod kv_cache;
mod log_probs;
mod mlp;
mod model;
mod rotary;
mod sampling;
mod tokenizer;

pub use attention_pattern::AttentionPattern;
pub use batch::{LmBatch, LmExample};
pub use config::{CausalLmConfig, ModelType};
pub use error::CausalLmError;
pub use log_probs::{SequenceLogProbs, next_token_loss, sequence_log_probs, token_log_probs};
pub use model::CausalLm;
pub use sampling::GenerationConfig;
pub use tokenizer::LmTokenizer;
