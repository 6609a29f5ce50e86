//! `config.json`: what is read from it, what is refused, what is written.

use hf_folder::{Architecture, WeightType};
use serde_json::{Map, Value, json};

use crate::config::CausalLmConfig;
use crate::error::CausalLmError;
use crate::model_type::ModelType;

/// Keys that must hold one of these values (or null, or be absent): another would change what the
/// model computes.
const FIXED: [(&str, &[&str]); 2] = [
    ("hidden_act", &["silu", "swish"]),
    ("position_embedding_type", &["rotary", "rope"]),
];

/// Keys that must be false, null, empty or absent.
const UNSUPPORTED: [&str; 2] = ["use_sliding_window", "quantization_config"];

impl TryFrom<Map<String, Value>> for CausalLmConfig {
    type Error = CausalLmError;

    /// Reads the keys of a Hugging Face `config.json`, written by `transformers` 4 or 5.
    fn try_from(map: Map<String, Value>) -> Result<Self, CausalLmError> {
        let model_type = ModelType::of_config(&map)?;
        let mut keys = Keys(map);
        keys.take("model_type");
        keys.refuse_unsupported()?;
        let num_attention_heads = keys.required("num_attention_heads")?;
        let config = Self {
            model_type,
            vocab_size: keys.required("vocab_size")?,
            hidden_size: keys.required("hidden_size")?,
            intermediate_size: keys.required("intermediate_size")?,
            num_hidden_layers: keys.required("num_hidden_layers")?,
            num_attention_heads,
            num_key_value_heads: keys
                .size("num_key_value_heads")?
                .unwrap_or(num_attention_heads),
            head_dim: keys.size("head_dim")?,
            rms_norm_eps: keys.number("rms_norm_eps")?.unwrap_or(1e-6),
            rope_theta: keys.rope_theta()?,
            tie_word_embeddings: keys.flag("tie_word_embeddings")?,
            attention_bias: keys.flag("attention_bias")?,
            mlp_bias: keys.flag("mlp_bias")?,
            max_position_embeddings: keys.size("max_position_embeddings")?.unwrap_or(2048),
            initializer_range: keys.number("initializer_range")?.unwrap_or(0.02),
            bos_token_id: keys.token("bos_token_id")?,
            eos_token_id: keys.tokens("eos_token_id")?,
            pad_token_id: keys.token("pad_token_id")?,
            extra: keys.0,
        };
        config.validate()?;
        Ok(config)
    }
}

impl From<CausalLmConfig> for Map<String, Value> {
    fn from(config: CausalLmConfig) -> Self {
        let head_dim = config.head_size();
        let eos = match config.eos_token_id.as_slice() {
            [] => Value::Null,
            [id] => json!(id),
            ids => json!(ids),
        };
        let mut map = config.extra;
        let rope = json!({"rope_type": "default", "rope_theta": config.rope_theta});
        let keys = [
            ("architectures", json!([config.model_type.architecture()])),
            ("model_type", json!(config.model_type.as_str())),
            ("vocab_size", json!(config.vocab_size)),
            ("hidden_size", json!(config.hidden_size)),
            ("intermediate_size", json!(config.intermediate_size)),
            ("num_hidden_layers", json!(config.num_hidden_layers)),
            ("num_attention_heads", json!(config.num_attention_heads)),
            ("num_key_value_heads", json!(config.num_key_value_heads)),
            ("head_dim", json!(head_dim)),
            ("hidden_act", json!("silu")),
            ("rms_norm_eps", json!(config.rms_norm_eps)),
            // `transformers` 4 reads the first, 5 the second.
            ("rope_theta", json!(config.rope_theta)),
            ("rope_parameters", rope),
            ("tie_word_embeddings", json!(config.tie_word_embeddings)),
            ("attention_bias", json!(config.attention_bias)),
            ("mlp_bias", json!(config.mlp_bias)),
            (
                "max_position_embeddings",
                json!(config.max_position_embeddings),
            ),
            ("initializer_range", json!(config.initializer_range)),
            ("bos_token_id", json!(config.bos_token_id)),
            ("eos_token_id", eos),
            ("pad_token_id", json!(config.pad_token_id)),
        ];
        map.extend(keys.map(|(key, value)| (key.to_owned(), value)));
        map
    }
}

impl CausalLmConfig {
    /// The text of a `config.json`, beside weights of a type.
    pub(crate) fn to_json(&self, weight_type: WeightType) -> String {
        let mut map = Map::from(self.clone());
        // A loader that is not told takes f32; a key that is there must say the truth.
        for key in ["dtype", "torch_dtype"] {
            if map.contains_key(key) || weight_type != WeightType::F32 {
                map.insert(key.into(), json!(weight_type.torch_name()));
            }
        }
        serde_json::to_string_pretty(&map)
            .expect("a JSON object can be written: a bug in causal-lm")
    }
}

/// The keys not read yet.
struct Keys(Map<String, Value>);

impl Keys {
    /// Takes a key; null counts as absent.
    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    fn size(&mut self, key: &'static str) -> Result<Option<usize>, CausalLmError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        let refused = || CausalLmError::invalid(key, &value, "a whole number");
        size.map(Some).ok_or_else(refused)
    }

    fn required(&mut self, key: &'static str) -> Result<usize, CausalLmError> {
        self.size(key)?.ok_or(CausalLmError::MissingKey { key })
    }

    fn number(&mut self, key: &'static str) -> Result<Option<f64>, CausalLmError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let refused = || CausalLmError::invalid(key, &value, "a number");
        value.as_f64().map(Some).ok_or_else(refused)
    }

    fn flag(&mut self, key: &'static str) -> Result<bool, CausalLmError> {
        let Some(value) = self.take(key) else {
            return Ok(false);
        };
        let refused = || CausalLmError::invalid(key, &value, "true or false");
        value.as_bool().ok_or_else(refused)
    }

    fn tokens(&mut self, key: &'static str) -> Result<Vec<u32>, CausalLmError> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let ids = match &value {
            Value::Array(ids) => ids.as_slice(),
            one => std::slice::from_ref(one),
        };
        let id = |id: &Value| id.as_u64().and_then(|id| u32::try_from(id).ok());
        let ids: Option<Vec<u32>> = ids.iter().map(id).collect();
        ids.ok_or_else(|| CausalLmError::invalid(key, &value, "a token id, or a list of them"))
    }

    fn token(&mut self, key: &'static str) -> Result<Option<u32>, CausalLmError> {
        Ok(self.tokens(key)?.first().copied())
    }

    /// `rope_theta`, from the place where `transformers` 5 keeps it or that of version 4. Any
    /// scaling of the frequencies is refused.
    fn rope_theta(&mut self) -> Result<f64, CausalLmError> {
        let top = self.number("rope_theta")?;
        let mut theta = None;
        for key in ["rope_parameters", "rope_scaling"] {
            let Some(value) = self.take(key) else {
                continue;
            };
            let kind = value.get("rope_type").or_else(|| value.get("type"));
            let partial = value.get("partial_rotary_factor").and_then(Value::as_f64);
            if kind.is_some_and(|kind| kind != "default") || partial.is_some_and(|p| p != 1.0) {
                let allowed = "absent, null or `rope_type: default`";
                return Err(CausalLmError::invalid(key, &value, allowed));
            }
            theta = theta.or_else(|| value.get("rope_theta").and_then(Value::as_f64));
        }
        Ok(theta.or(top).unwrap_or(10_000.0))
    }

    fn refuse_unsupported(&self) -> Result<(), CausalLmError> {
        for (key, allowed) in FIXED {
            let value = self.0.get(key).filter(|value| !value.is_null());
            if let Some(value) = value
                && !value.as_str().is_some_and(|text| allowed.contains(&text))
            {
                return Err(CausalLmError::invalid(key, value, allowed[0]));
            }
        }
        for key in UNSUPPORTED {
            let value = self.0.get(key).unwrap_or(&Value::Null);
            if !(value.is_null() || value == &Value::Bool(false)) {
                return Err(CausalLmError::invalid(key, value, "absent, null or false"));
            }
        }
        let layers = self.0.get("layer_types").and_then(Value::as_array);
        let windowed = layers.into_iter().flatten();
        match windowed.into_iter().find(|kind| *kind != "full_attention") {
            Some(kind) => Err(CausalLmError::invalid(
                "layer_types",
                kind,
                "full_attention",
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<CausalLmConfig, String> {
        let Value::Object(map) = value else {
            panic!("an object")
        };
        CausalLmConfig::try_from(map).map_err(|error| error.to_string())
    }

    fn minimal() -> Value {
        json!({"model_type": "llama", "vocab_size": 8, "hidden_size": 4, "intermediate_size": 6,
               "num_hidden_layers": 1, "num_attention_heads": 2})
    }

    fn with(key: &str, value: Value) -> Value {
        let mut config = minimal();
        config[key] = value;
        config
    }

    #[test]
    fn a_minimal_file_takes_hugging_faces_defaults() {
        let config = parse(minimal()).unwrap();
        assert_eq!((config.num_key_value_heads, config.head_size()), (2, 2));
        assert!(!config.tie_word_embeddings);
        assert_eq!(config.rope_theta, 10_000.0);
    }

    #[test]
    fn both_places_of_rope_theta_are_read() {
        let new = with(
            "rope_parameters",
            json!({"rope_type": "default", "rope_theta": 5.0}),
        );
        assert_eq!(parse(new).unwrap().rope_theta, 5.0);
        assert_eq!(
            parse(with("rope_theta", json!(7.0))).unwrap().rope_theta,
            7.0
        );
    }

    #[test]
    fn what_would_compute_something_else_is_refused() {
        let cases = [
            (
                with("model_type", json!("gpt2")),
                "`model_type` is \"gpt2\", allowed: \"qwen3\", \"qwen2\" or \"llama\"",
            ),
            (
                with("rope_scaling", json!({"rope_type": "yarn", "factor": 4.0})),
                "`rope_scaling`",
            ),
            (
                with("hidden_act", json!("gelu")),
                "`hidden_act` is \"gelu\", allowed: silu",
            ),
            (
                with("use_sliding_window", json!(true)),
                "`use_sliding_window` is true",
            ),
            (
                with("layer_types", json!(["sliding_attention"])),
                "`layer_types`",
            ),
            (
                with("quantization_config", json!({"bits": 4})),
                "`quantization_config`",
            ),
            (with("vocab_size", json!(-1)), "`vocab_size` is -1"),
            (with("hidden_size", json!("64")), "`hidden_size` is \"64\""),
            (
                with("hidden_size", Value::Null),
                "key `hidden_size` is missing",
            ),
            (with("rms_norm_eps", json!(0)), "`rms_norm_eps` is 0"),
            (with("eos_token_id", json!([1, 9])), "`eos_token_id` is 9"),
            (
                with("tie_word_embeddings", json!("yes")),
                "`tie_word_embeddings`",
            ),
        ];
        for (config, expected) in cases {
            let message = parse(config).unwrap_err();
            assert!(message.contains(expected), "{message} lacks {expected}");
        }
    }

    #[test]
    fn other_keys_survive() {
        let mut config = with("torch_dtype", json!("bfloat16"));
        config["transformers_version"] = json!("4.51.0");
        let parsed = parse(config).unwrap();
        // Whatever the weights were read from, the file tells what they are written in.
        for (weight_type, name) in [(WeightType::F32, "float32"), (WeightType::F16, "float16")] {
            let text = parsed.to_json(weight_type);
            let written: Map<String, Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(written["transformers_version"], "4.51.0");
            assert_eq!(written["torch_dtype"], name);
            let again = CausalLmConfig::try_from(written.clone()).unwrap();
            assert_eq!(again.to_json(weight_type), text);
        }
    }
}
