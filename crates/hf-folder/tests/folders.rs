//! Folders that are written, read and refused.

use std::fs;
use std::path::{Path, PathBuf};

use hf_folder::{
    FolderError, FolderWriter, NamedTensor, SaveOptions, SpecialTokens, TensorSource, WeightType,
    Weights, read_json, read_tokenizer,
};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A place for a folder.
fn place() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("model");
    (parent, dir)
}

fn tensor(name: &str, values: &[f32]) -> NamedTensor {
    NamedTensor {
        name: name.to_owned(),
        shape: vec![values.len()],
        values: values.to_vec(),
    }
}

fn save<T: TensorSource>(
    dir: &Path,
    tensors: &[T],
    options: &SaveOptions,
) -> Result<(), FolderError> {
    let folder = FolderWriter::create(dir, &[])?;
    folder.write_json("config.json", &json!({}))?;
    folder.write_weights(tensors, options)?;
    folder.commit()
}

fn open(dir: &Path) -> Result<Weights, FolderError> {
    Weights::open(dir, |name| Some(name.to_owned()))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_that_of_the_safetensors_library() {
    let (_parent, dir) = place();
    let tensors = [tensor("b", &[1.0, -2.5]), tensor("a", &[3.0])];
    save(&dir, &tensors, &SaveOptions::default()).unwrap();
    let bytes: Vec<(&str, Vec<u8>)> = tensors
        .iter()
        .map(|t| {
            (
                t.name(),
                t.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = bytes.iter().map(|(name, bytes)| {
        let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).unwrap();
        (*name, view)
    });
    let format = [("format".to_owned(), "pt".to_owned())].into();
    let expected = safetensors::serialize(views, Some(format)).unwrap();
    assert_eq!(fs::read(dir.join("model.safetensors")).unwrap(), expected);
}

#[test]
fn every_type_is_read_again_from_one_file_and_from_shards() {
    let tensors = [
        tensor("a", &[0.5; 6]),
        tensor("b", &[-1.5, 2.0]),
        tensor("c", &[]),
    ];
    for weight_type in [WeightType::F32, WeightType::F16, WeightType::Bf16] {
        for max_shard_size in [None, Some(1), Some(12)] {
            let (_parent, dir) = place();
            let options = SaveOptions {
                weight_type,
                max_shard_size,
            };
            save(&dir, &tensors, &options).unwrap();
            let weights = open(&dir).unwrap();
            assert_eq!(weights.len(), 3);
            for tensor in &tensors {
                let found = weights.get(&tensor.name).unwrap();
                assert_eq!(found.shape(), tensor.shape());
                assert_eq!(found.values().unwrap(), tensor.values, "{options:?}");
            }
            let sharded = dir.join("model.safetensors.index.json").exists();
            assert_eq!(sharded, max_shard_size.is_some(), "{:?}", names(&dir));
        }
    }
}

#[test]
fn a_number_that_half_precision_does_not_have_is_refused_and_the_older_folder_stays() {
    let (parent, dir) = place();
    save(&dir, &[tensor("a", &[1.0])], &SaveOptions::default()).unwrap();
    let large = [tensor("a", &[1.0]), tensor("norm.weight", &[2.0, 70_000.0])];
    let half = SaveOptions {
        weight_type: WeightType::F16,
        ..SaveOptions::default()
    };
    let error = save(&dir, &large, &half).unwrap_err();
    assert_eq!(
        error.to_string(),
        "norm.weight holds 70000, too large for float16, allowed: at most 65504"
    );
    assert_eq!(open(&dir).unwrap().len(), 1);
    assert_eq!(names(parent.path()), ["model"]);
    let bfloat = SaveOptions {
        weight_type: WeightType::Bf16,
        ..half
    };
    save(&dir, &large, &bfloat).unwrap();
}

/// A tensor whose device is lost.
struct Lost;

impl TensorSource for Lost {
    fn name(&self) -> &str {
        "lost"
    }

    fn shape(&self) -> &[usize] {
        &[2]
    }

    fn values(&self) -> Result<Vec<f32>, String> {
        Err("the device is gone".to_owned())
    }
}

#[test]
fn numbers_that_cannot_be_had_are_no_folder() {
    let (_parent, dir) = place();
    let error = save(&dir, &[Lost], &SaveOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "lost: the device is gone");
    let odd = NamedTensor {
        shape: vec![2, 2],
        ..tensor("odd", &[1.0])
    };
    let error = save(&dir, &[odd], &SaveOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "odd: 1 numbers for the shape [2, 2]");
    let huge = NamedTensor {
        shape: vec![usize::MAX, 2],
        ..tensor("huge", &[1.0])
    };
    let error = save(&dir, &[huge], &SaveOptions::default()).unwrap_err();
    assert!(error.to_string().contains("is too large"), "{error}");
    assert!(!dir.exists());
}

#[test]
fn an_index_cannot_point_out_of_its_folder() {
    let (parent, dir) = place();
    let options = SaveOptions {
        max_shard_size: Some(1),
        ..SaveOptions::default()
    };
    save(&dir, &[tensor("a", &[1.0]), tensor("b", &[2.0])], &options).unwrap();
    let shard = "model-00001-of-00002.safetensors";
    fs::copy(dir.join(shard), parent.path().join("x.safetensors")).unwrap();
    let outside = parent.path().join("x.safetensors");
    for name in ["../x.safetensors", outside.to_str().unwrap(), "./", ""] {
        let index = dir.join("model.safetensors.index.json");
        fs::write(&index, json!({"weight_map": {"a": name}}).to_string()).unwrap();
        let error = open(&dir).unwrap_err();
        assert!(
            matches!(&error, FolderError::ForeignShard { shard, .. } if shard == name),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("allowed: a file of the same folder")
        );
    }
}

#[test]
fn types_that_are_not_read_are_named_with_the_tensor() {
    let (_parent, dir) = place();
    fs::create_dir(&dir).unwrap();
    let bytes = [0; 8];
    let views = [("eight", Dtype::F8_E4M3, 8), ("ids", Dtype::I64, 1)];
    let views = views
        .map(|(name, dtype, size)| (name, TensorView::new(dtype, vec![size], &bytes).unwrap()));
    let file = safetensors::serialize(views, None).unwrap();
    fs::write(dir.join("model.safetensors"), file).unwrap();
    let mut weights = open(&dir).unwrap();
    let expected = [("eight".to_owned(), vec![8])];
    let in_file = str::to_owned;
    // A tensor that no model asks for may hold anything.
    weights.retain(|name| name == "eight");
    let error = weights.check(expected, in_file).unwrap_err().to_string();
    assert!(
        error.ends_with("model.safetensors: eight holds F8_E4M3, allowed: F64, F32, F16, BF16"),
        "{error}"
    );
    assert!(weights.get("eight").unwrap().values().is_err());
}

#[test]
fn a_mismatch_names_all_tensors_with_shapes() {
    let (_parent, dir) = place();
    save(
        &dir,
        &[tensor("a", &[1.0]), tensor("extra", &[1.0, 2.0])],
        &SaveOptions::default(),
    )
    .unwrap();
    let expected = [
        ("a".to_owned(), vec![1 << 40, 1 << 60]),
        ("b".to_owned(), vec![2]),
    ];
    let error = open(&dir)
        .unwrap()
        .check(expected, |name| format!("bert.{name}"));
    let FolderError::Mismatch(mismatch) = error.unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(mismatch.missing, [("bert.b".to_owned(), vec![2])]);
    assert_eq!(mismatch.unexpected, [("extra".to_owned(), vec![2])]);
    assert_eq!(mismatch.misshapen[0].expected, [1 << 40, 1 << 60]);
    let expected = "missing bert.b [2]; unexpected extra [2]; a has shape [1], expected \
        [1099511627776, 1152921504606846976]";
    assert!(mismatch.to_string().ends_with(expected), "{mismatch}");
}

#[test]
fn a_tokenizer_stays_if_asked_for_and_older_weights_go() {
    let (_parent, dir) = place();
    let options = SaveOptions {
        max_shard_size: Some(1),
        ..SaveOptions::default()
    };
    save(&dir, &[tensor("a", &[1.0]), tensor("b", &[2.0])], &options).unwrap();
    fs::write(dir.join("tokenizer.json"), "{}").unwrap();
    let folder = FolderWriter::create(&dir, &[]).unwrap();
    folder.keep_companions().unwrap();
    folder
        .write_weights(&[tensor("a", &[1.0])], &SaveOptions::default())
        .unwrap();
    folder.commit().unwrap();
    assert_eq!(names(&dir), ["model.safetensors", "tokenizer.json"]);
}

#[test]
fn files_of_strangers_are_bounded() {
    let (_parent, dir) = place();
    fs::create_dir(&dir).unwrap();
    let path = dir.join("config.json");
    fs::write(&path, " ".repeat((8 << 20) + 1)).unwrap();
    let error = read_json::<Value>(&path).unwrap_err().to_string();
    assert!(error.contains("more than 8388608 bytes"), "{error}");
    fs::write(&path, "{\"a\":").unwrap();
    let error = read_json::<Value>(&path).unwrap_err().to_string();
    assert!(error.contains("config.json: EOF"), "{error}");
    assert!(
        read_tokenizer(&dir)
            .unwrap_err()
            .to_string()
            .contains("a folder")
    );
    // A folder without the files has no special tokens; a damaged file is an error.
    assert_eq!(
        SpecialTokens::from_dir(&dir).unwrap().get("eos_token"),
        None
    );
    fs::write(dir.join("special_tokens_map.json"), "[]").unwrap();
    let error = SpecialTokens::from_dir(&dir).unwrap_err().to_string();
    assert!(error.contains("special_tokens_map.json: "), "{error}");
    fs::write(
        dir.join("special_tokens_map.json"),
        r#"{"eos_token": "a", "pad_token": "p"}"#,
    )
    .unwrap();
    fs::write(dir.join("tokenizer_config.json"), r#"{"eos_token": "b"}"#).unwrap();
    let special = SpecialTokens::from_dir(&dir).unwrap();
    assert_eq!(
        (special.get("eos_token"), special.get("pad_token")),
        (Some("b"), Some("p"))
    );
}

#[cfg(unix)]
#[test]
fn a_device_is_no_checkpoint() {
    let (_parent, dir) = place();
    fs::create_dir(&dir).unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.join("model.safetensors")).unwrap();
    let error = open(&dir).unwrap_err().to_string();
    assert!(error.contains("is a device"), "{error}");
}
