//! Folders that are written, read and refused.

use std::fs;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use causal_lm::{
    CausalLm, CausalLmConfig, CausalLmError, FolderError, LmBatch, LmExample, SaveOptions,
    WeightType,
};
use serde_json::{Value, json};

use crate::golden::{MODELS, model, path};

fn logits(model: &CausalLm) -> Tensor<3> {
    let example = LmExample::new(vec![5, 77, 3, 90]);
    model.forward(&LmBatch::collate(&[example], 0, &Device::flex()).unwrap())
}

/// A copy of a fixture, with another value in its config.
fn altered(name: &str, key: &str, value: Value) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(
        path(name).join("model.safetensors"),
        dir.path().join("model.safetensors"),
    )
    .unwrap();
    let text = fs::read(path(name).join("config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&text).unwrap();
    config[key] = value;
    fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    dir
}

fn refusal(dir: &Path) -> CausalLmError {
    CausalLm::from_dir(dir, &Device::flex()).unwrap_err()
}

#[test]
fn a_saved_model_is_the_same_model() {
    for name in MODELS {
        let (dir, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let model = model(name);
        model.save_dir(dir.path().join("new/folder")).unwrap();
        let loaded = CausalLm::from_dir(dir.path().join("new/folder"), &Device::flex()).unwrap();
        assert_eq!(logits(&loaded).into_data(), logits(&model).into_data());
        // What was read is written again to the byte: nothing depends on the writer's memory.
        loaded.save_dir(again.path()).unwrap();
        for file in ["config.json", "model.safetensors"] {
            let first = fs::read(dir.path().join("new/folder").join(file)).unwrap();
            assert!(
                first == fs::read(again.path().join(file)).unwrap(),
                "{name} {file}"
            );
        }
    }
}

#[test]
fn the_files_hold_hugging_faces_tensors() {
    for name in MODELS {
        let dir = tempfile::tempdir().unwrap();
        model(name).save_dir(dir.path()).unwrap();
        let header = |dir: &Path| -> Value {
            let bytes = fs::read(dir.join("model.safetensors")).unwrap();
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            serde_json::from_slice(&bytes[8..8 + length]).unwrap()
        };
        let describe = |header: Value| -> Vec<(String, Value, Value)> {
            let Value::Object(tensors) = header else {
                panic!("an object")
            };
            let describe = |(name, tensor): (String, Value)| {
                (name, tensor["shape"].clone(), tensor["dtype"].clone())
            };
            let mut tensors: Vec<_> = tensors.into_iter().map(describe).collect();
            tensors.sort_by(|a, b| a.0.cmp(&b.0));
            tensors
        };
        assert_eq!(
            describe(header(dir.path())),
            describe(header(&path(name))),
            "{name}"
        );
        assert_eq!(header(dir.path())["__metadata__"], json!({"format": "pt"}));
    }
}

#[test]
fn other_keys_of_the_config_survive() {
    let dir = altered("qwen3", "max_window_layers", json!(3));
    let model = CausalLm::from_dir(dir.path(), &Device::flex()).unwrap();
    assert_eq!(model.config().extra["max_window_layers"], 3);
    model.save_dir(dir.path()).unwrap();
    let config = CausalLmConfig::from_file(dir.path().join("config.json")).unwrap();
    assert_eq!(config.extra["max_window_layers"], 3);
    assert_eq!(config.rope_theta, 1e6);
    assert_eq!(config.num_parameters(), model.config().num_parameters());
}

#[test]
fn a_missing_tensor_is_named() {
    let dir = altered("qwen3", "num_hidden_layers", json!(3));
    fs::write(dir.path().join("config.json"), {
        let text = fs::read_to_string(dir.path().join("config.json")).unwrap();
        text.replace(
            "\"tie_word_embeddings\":true",
            "\"tie_word_embeddings\":false",
        )
    })
    .unwrap();
    let error = refusal(dir.path());
    let message = error.to_string();
    assert!(
        message.contains("missing lm_head.weight [128, 32], model.layers.2."),
        "{message}"
    );
    assert!(message.ends_with("and 7 more"), "{message}");
    let CausalLmError::Folder(FolderError::Mismatch(mismatch)) = error else {
        panic!("{message}")
    };
    assert_eq!(mismatch.missing.len(), 12);
}

#[test]
fn an_extra_tensor_is_named() {
    let dir = altered("qwen2", "num_hidden_layers", json!(1));
    let message = refusal(dir.path()).to_string();
    assert!(message.contains("unexpected model.layers.1."), "{message}");
    // The norms of queries and keys have no place in a Llama.
    let dir = altered("qwen3", "model_type", json!("llama"));
    let message = refusal(dir.path()).to_string();
    assert!(
        message.contains("model.layers.0.self_attn.k_norm.weight"),
        "{message}"
    );
}

#[test]
fn a_misshapen_tensor_is_named() {
    let dir = altered("llama", "intermediate_size", json!(50));
    let message = refusal(dir.path()).to_string();
    let expected = "model.layers.0.mlp.down_proj.weight has shape [32, 48], expected [32, 50]";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn damaged_folders_are_refused() {
    let device = Device::flex();
    let dir = tempfile::tempdir().unwrap();
    let message = |dir: &Path| CausalLm::from_dir(dir, &device).unwrap_err().to_string();
    assert!(
        message(dir.path()).contains("config.json\": No such file"),
        "{}",
        message(dir.path())
    );
    fs::write(dir.path().join("config.json"), "[1]").unwrap();
    assert!(
        message(dir.path()).contains("config.json: invalid type"),
        "{}",
        message(dir.path())
    );
    let dir = altered("qwen3", "model_type", json!("gpt2"));
    assert!(
        message(dir.path()).contains("config.json: `model_type` is \"gpt2\", allowed: \"qwen3\"")
    );
    let dir = altered("qwen3", "vocab_size", json!(128));
    let weights = dir.path().join("model.safetensors");
    fs::write(&weights, &fs::read(&weights).unwrap()[..5000]).unwrap();
    assert!(
        message(dir.path()).contains("model.safetensors: "),
        "{}",
        message(dir.path())
    );
    fs::remove_file(&weights).unwrap();
    assert!(message(dir.path()).contains("model.safetensors\": No such file"));
}

#[test]
fn shards_are_put_together() {
    let dir = altered("qwen3", "vocab_size", json!(128));
    fs::rename(
        dir.path().join("model.safetensors"),
        dir.path().join("model-00001-of-00001.safetensors"),
    )
    .unwrap();
    let index = dir.path().join("model.safetensors.index.json");
    let shards = json!({"weight_map": {"model.norm.weight": "model-00001-of-00001.safetensors"}});
    fs::write(&index, shards.to_string()).unwrap();
    let loaded = CausalLm::from_dir(dir.path(), &Device::flex()).unwrap();
    assert_eq!(
        logits(&loaded).into_data(),
        logits(&model("qwen3")).into_data()
    );
    fs::write(&index, "{}").unwrap();
    assert!(
        refusal(dir.path())
            .to_string()
            .contains("missing field `weight_map`")
    );
    // A shard's name is a name, not a way out of the folder.
    let whole = path("qwen3").join("model.safetensors");
    for shard in ["../model.safetensors", whole.to_str().unwrap()] {
        let shards = json!({"weight_map": {"model.norm.weight": shard}});
        fs::write(&index, shards.to_string()).unwrap();
        let message = refusal(dir.path()).to_string();
        assert!(
            message.contains("allowed: a file of the same folder"),
            "{message}"
        );
    }
}

#[test]
fn half_precision_and_shards_are_written_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let model = model("llama");
    let options = SaveOptions {
        weight_type: WeightType::Bf16,
        max_shard_size: Some(20_000),
    };
    let saved = dir.path().join("saved");
    model.save_dir_with(&saved, &options).unwrap();
    assert!(saved.join("model.safetensors.index.json").exists());
    let text = fs::read_to_string(saved.join("config.json")).unwrap();
    assert!(text.contains(r#""dtype": "bfloat16""#), "{text}");
    let half = CausalLm::from_dir(&saved, &Device::flex()).unwrap();
    let difference = (logits(&half) - logits(&model)).abs().max();
    let difference: f32 = difference.into_scalar();
    assert!(0.0 < difference && difference < 0.2, "{difference}");
    // What was rounded once is written again as it is; a tokenizer beside it stays, shards do not.
    let tokenizer = saved.join("tokenizer.json");
    fs::copy(path("tokenizer.json"), &tokenizer).unwrap();
    half.save_dir(&saved).unwrap();
    assert!(tokenizer.exists() && !saved.join("model.safetensors.index.json").exists());
    let again = CausalLm::from_dir(&saved, &Device::flex()).unwrap();
    assert_eq!(logits(&again).into_data(), logits(&half).into_data());
}

#[test]
fn a_folder_of_other_things_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "precious").unwrap();
    let message = model("llama").save_dir(dir.path()).unwrap_err().to_string();
    assert!(message.contains("holds thesis.tex"), "{message}");
    assert!(dir.path().join("thesis.tex").exists());
}

/// Sizes that no memory has are refused in the time and space that a small file takes.
#[test]
fn hostile_sizes_are_refused_before_memory_is_asked_for() {
    let large = |bits: u32| json!(1u64 << bits);
    for (key, value, expected) in [
        (
            "num_hidden_layers",
            json!(1_000_000_000),
            "`num_hidden_layers` is 1000000000, allowed: at most",
        ),
        (
            "num_hidden_layers",
            json!(u64::MAX),
            "`num_hidden_layers` is",
        ),
        (
            "vocab_size",
            large(40),
            "embed_tokens.weight has shape [128, 32], expected [1099511627776, 32]",
        ),
        ("vocab_size", large(62), "`vocab_size` is"),
        ("head_dim", large(60), "`head_dim` is"),
        ("head_dim", large(30), "expected [4294967296, 32]"),
        (
            "intermediate_size",
            large(50),
            "expected [1125899906842624, 32]",
        ),
        ("hidden_size", large(33), "expected ["),
        ("num_attention_heads", large(40), "expected ["),
        ("max_position_embeddings", large(60), ""),
    ] {
        let dir = altered("qwen3", key, value);
        let loaded = CausalLm::from_dir(dir.path(), &Device::flex());
        if expected.is_empty() {
            // Positions are computed, not stored: a long context is no memory.
            loaded.unwrap();
            continue;
        }
        let message = loaded.unwrap_err().to_string();
        assert!(message.contains(expected), "{key}: {message}");
    }
}

#[test]
fn an_unwritable_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let error = model("qwen3")
        .save_dir(dir.path().join("file/model"))
        .unwrap_err();
    assert!(error.to_string().contains("file/model"), "{error}");
}
