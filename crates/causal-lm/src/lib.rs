//! Qwen3, Qwen2 and Llama decoders on burn: Hugging Face folders in and out, batches with padding
//! and packing, log-probabilities, and generation with a KV cache. It is meant for teachers of
//! relevance that are fine-tuned or trained from nothing, on one device and in f32; it does not
//! scale RoPE, slide attention windows, quantise or spread over devices.
//!
//! ```
//! use burn::tensor::Device;
//! use causal_lm::{CausalLmConfig, GenerationConfig, LmBatch, LmExample, sequence_log_probs};
//!
//! let device = Device::default();
//! let config = CausalLmConfig { vocab_size: 50, num_hidden_layers: 1, ..Default::default() };
//! let model = config.init(/* seed */ 0, &device)?;
//! let greedy = GenerationConfig { max_new_tokens: 5, ..Default::default() };
//! let replies = model.generate(&[vec![3, 4, 5], vec![7]], &greedy)?;
//! assert_eq!(replies[1].len(), 5);
//! let batch = LmBatch::collate(&[LmExample::completion(&[7], &replies[1])], 0, &device)?;
//! let log_prob: f32 = sequence_log_probs(&model, &batch).sum.into_scalar();
//! assert!((log_prob / 5.0 + 50f32.ln()).abs() < 1.0); // an untrained model knows nothing
//! # Ok::<(), causal_lm::CausalLmError>(())
//! ```
//!
//! # Symbols
//! | symbol | meaning |
//! |---|---|
//! | `b`, `t`, `n` | rows, tokens a row (padded), targets of the loss |
//! | `h`, `v` | hidden size, vocabulary |
//! | `kv`, `g`, `d` | key and value heads, query heads to each, size of a head |
//! | `s` | tokens that can be looked at: those of the cache and the new ones |
//!
//! # The block
//! `x += attention(norm(x)); x += down(silu(gate(norm(x))) * up(norm(x)))`, with RMSNorm
//! (1910.07467), grouped queries (2305.13245), RoPE in the rotate-half layout (2104.09864) and
//! SwiGLU (2002.05202). The families differ as [`ModelType`] says.
//!
//! # What is promised
//! - Logits are those of `transformers` within 1e-4, gradients of the loss those of torch within a
//!   relative 1e-5, greedy replies those of `transformers` token for token, on tiny random
//!   checkpoints of each family (tests/goldens).
//! - A folder written by [`CausalLm::save_dir`] opens in `transformers` with the same logits.
//! - Padding, packing, the KV cache and the other rows of a batch change no token of a greedy reply
//!   and no log-probability beyond rounding.
//! - The same seed gives the same weights on every device, and the same draws from equal logits.
//!
//! # Training
//! Make the model on `device.autodiff()` (feature `autodiff` of burn) and call
//! `next_token_loss(&model, &batch)?.backward()`. The head is computed for the targets of the loss
//! alone, so that a long prompt before a short completion costs no vocabulary-sized product.

mod attention;
mod attention_pattern;
mod batch;
mod checkpoint;
mod completion;
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
mod model_type;
mod prefill;
mod rotary;
mod sampling;
mod tensor_names;
mod tokenizer;

pub use attention_pattern::AttentionPattern;
pub use batch::{LmBatch, LmExample};
pub use completion::{
    CompletionEncoder, CompletionPair, EncodedCompletion, EncodedPair, EncodedPairs,
};
pub use config::CausalLmConfig;
pub use error::CausalLmError;
pub use hf_folder::{FolderError, FolderWriter, SaveOptions, WeightType};
pub use log_probs::{SequenceLogProbs, next_token_loss, sequence_log_probs, token_log_probs};
pub use model::CausalLm;
pub use model_type::ModelType;
pub use sampling::GenerationConfig;
pub use tokenizer::LmTokenizer;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
