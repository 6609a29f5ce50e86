//! The tensors that a configuration asks for, by Hugging Face's names, which are those of our modules.

use crate::config::CausalLmConfig;

/// Whether a model may need a tensor of a file. Passed over: frequencies that old Llama files hold, and
/// the head where it is the embedding.
pub(crate) fn is_known(name: &str, config: &CausalLmConfig) -> bool {
    let tied = config.tie_word_embeddings && name == "lm_head.weight";
    !(tied || name.ends_with("rotary_emb.inv_freq"))
}

/// Names and shapes, in PyTorch's layout, of all tensors of a model. The configuration must be valid.
pub(crate) fn expected(
    config: &CausalLmConfig,
) -> impl Iterator<Item = (String, Vec<usize>)> + use<'_> {
    let (v, h) = (config.vocab_size, config.hidden_size);
    let head = (!config.tie_word_embeddings).then(|| ("lm_head.weight".to_owned(), vec![v, h]));
    let ends = [
        ("model.embed_tokens.weight".to_owned(), vec![v, h]),
        ("model.norm.weight".to_owned(), vec![h]),
    ];
    let layers = (0..config.num_hidden_layers).flat_map(move |i| {
        let tensors = layer(config).into_iter();
        tensors.map(move |(name, shape)| (format!("model.layers.{i}.{name}"), shape))
    });
    ends.into_iter().chain(head).chain(layers)
}

/// The tensors of one layer.
fn layer(config: &CausalLmConfig) -> Vec<(String, Vec<usize>)> {
    let (h, i, d) = (
        config.hidden_size,
        config.intermediate_size,
        config.head_size(),
    );
    let q = config.num_attention_heads * d;
    let kv = config.num_key_value_heads * d;
    let (qkv, mlp) = (config.has_qkv_bias(), config.has_mlp_bias());
    let linears = [
        ("self_attn.q_proj", q, h, qkv),
        ("self_attn.k_proj", kv, h, qkv),
        ("self_attn.v_proj", kv, h, qkv),
        ("self_attn.o_proj", h, q, config.has_output_bias()),
        ("mlp.gate_proj", i, h, mlp),
        ("mlp.up_proj", i, h, mlp),
        ("mlp.down_proj", h, i, mlp),
    ];
    let linears = linears
        .into_iter()
        .flat_map(|(name, outputs, inputs, bias)| {
            let weight = (format!("{name}.weight"), vec![outputs, inputs]);
            let bias = bias.then(|| (format!("{name}.bias"), vec![outputs]));
            std::iter::once(weight).chain(bias)
        });
    let norm = |name: &str, size: usize| (format!("{name}.weight"), vec![size]);
    let norms = ["input_layernorm", "post_attention_layernorm"].map(|name| norm(name, h));
    let heads = ["self_attn.q_norm", "self_attn.k_norm"].map(|name| norm(name, d));
    let heads = heads.into_iter().filter(|_| config.has_qk_norm());
    linears.chain(norms).chain(heads).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burn::tensor::Device;
    use hf_folder::{TensorSource, module_tensors};

    use super::*;
    use crate::model_type::ModelType;

    /// The lists that a config and its model give are the same, for every family and every bias.
    #[test]
    fn a_model_has_the_tensors_that_its_config_asks_for() {
        for model_type in ModelType::ALL {
            for flags in 0..8 {
                let config = CausalLmConfig {
                    model_type,
                    vocab_size: 12,
                    hidden_size: 8,
                    intermediate_size: 10,
                    num_hidden_layers: 2,
                    head_dim: Some(6),
                    tie_word_embeddings: flags & 1 == 0,
                    attention_bias: flags & 2 == 0,
                    mlp_bias: flags & 4 == 0 && model_type == ModelType::Llama,
                    ..CausalLmConfig::default()
                };
                let model = config.init(0, &Device::flex()).unwrap();
                let tensors = module_tensors(&model, str::to_owned);
                let tensors = tensors.iter();
                let held = tensors.map(|t| (t.name().to_owned(), t.shape().to_vec()));
                let held: BTreeMap<String, Vec<usize>> = held.collect();
                assert_eq!(held, expected(&config).collect(), "{config:?}");
                let numbers = held.values().map(|shape| shape.iter().product::<usize>());
                assert_eq!(numbers.sum::<usize>(), config.num_parameters());
            }
        }
    }
}
