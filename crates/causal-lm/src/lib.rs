//! Llama and Qwen style decoders on burn: Hugging Face checkpoints and generation with a KV cache.
