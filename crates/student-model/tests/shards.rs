//! Weights in shards and in half precision, and students of some of a deeper model's layers.

mod goldens;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use goldens::{Inputs, assert_close, folder, numbers, read};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;
use serde_json::Value;
use student_model::{
    BertForSequenceClassification, BertModel, FolderError, LayerFault, SaveOptions, StudentError,
    WeightType,
};
use tempfile::TempDir;

const INDEX: &str = "model.safetensors.index.json";
const SHARDS: [&str; 3] = [
    "model-00001-of-00003.safetensors",
    "model-00002-of-00003.safetensors",
    "model-00003-of-00003.safetensors",
];

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    inputs: Inputs,
    logits: Vec<f64>,
}

#[derive(Deserialize)]
struct Golden {
    whole: Case,
    layers: Vec<usize>,
    cut: Case,
}

fn load(dir: &Path) -> Result<BertForSequenceClassification, StudentError> {
    BertForSequenceClassification::from_dir(dir, &Device::default())
}

fn logits(model: &BertForSequenceClassification, case: &Case) -> Vec<f32> {
    numbers(model.forward(&case.inputs.batch(&Device::default())).logits)
}

/// A copy of the sharded checkpoint.
fn deep() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder().join("tiny-deep")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn edit_index(dir: &Path, edit: impl FnOnce(&mut Value)) {
    let path = dir.join(INDEX);
    let mut index = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut index);
    fs::write(path, index.to_string()).unwrap();
}

#[test]
fn shards_in_bfloat16_and_chosen_layers_give_the_numbers_of_transformers() {
    let golden: Golden = read("tiny-deep.json");
    let model = load(&folder().join("tiny-deep")).unwrap();
    assert_close(
        "whole",
        &logits(&model, &golden.whole),
        &golden.whole.logits,
        1e-5,
    );
    let student = model.with_layers(&golden.layers).unwrap();
    assert_eq!(student.config().num_hidden_layers, 4);
    assert_close(
        "cut",
        &logits(&student, &golden.cut),
        &golden.cut.logits,
        1e-5,
    );

    // The student is a model like any other.
    let dir = tempfile::tempdir().unwrap();
    let saved = dir.path().join("student");
    student.save_dir(&saved).unwrap();
    let again = load(&saved).unwrap();
    assert_eq!(logits(&again, &golden.cut), logits(&student, &golden.cut));
    // Its encoder, cut and saved on its own, is the same.
    let encoder = BertModel::from_dir(folder().join("tiny-deep"), &Device::default()).unwrap();
    let encoder = encoder.with_layers(&golden.layers).unwrap();
    let batch = golden.cut.inputs.batch(&Device::default());
    assert_eq!(
        numbers(encoder.forward_cls(&batch)),
        numbers(student.forward(&batch).cls)
    );
}

#[test]
fn layers_that_make_no_model_are_refused() {
    let refused = |layers: &[usize]| {
        let error = load(&folder().join("tiny-deep"))
            .unwrap()
            .with_layers(layers)
            .unwrap_err();
        let StudentError::Layers {
            layers: found,
            available,
            reason,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((found.as_slice(), available), (layers, 6));
        reason
    };
    assert_eq!(refused(&[]), LayerFault::Empty);
    assert_eq!(refused(&[0, 6]), LayerFault::OutOfRange(6));
    assert_eq!(refused(&[0, 2, 0]), LayerFault::Repeated(0));
}

#[test]
fn a_missing_shard_is_named() {
    let copy = deep();
    fs::remove_file(copy.path().join(SHARDS[1])).unwrap();
    let error = load(copy.path()).unwrap_err();
    let text = error.to_string();
    let StudentError::Folder(FolderError::MissingShard { shard, tensors, .. }) = error else {
        panic!("{text}")
    };
    assert_eq!(shard, SHARDS[1]);
    assert!(tensors > 20, "{tensors}");
    assert!(
        text.contains("model-00002-of-00003.safetensors is not in the folder"),
        "{text}"
    );
}

#[test]
fn tensors_that_a_shard_lacks_are_named() {
    let copy = deep();
    edit_index(copy.path(), |index| {
        index["weight_map"]["classifier.weight"] = SHARDS[0].into();
        index["weight_map"]["classifier.extra"] = SHARDS[0].into();
    });
    let error = load(copy.path()).unwrap_err();
    let text = error.to_string();
    let StudentError::Folder(FolderError::ShardLacksTensors { shard, names, .. }) = error else {
        panic!("{text}")
    };
    assert_eq!(shard, SHARDS[0]);
    assert_eq!(names, ["classifier.extra", "classifier.weight"]);
    assert!(
        text.ends_with("lacks classifier.extra, classifier.weight"),
        "{text}"
    );
}

#[test]
fn a_tensor_in_two_shards_is_refused() {
    let copy = deep();
    let [first, second] =
        [SHARDS[0], SHARDS[2]].map(|shard| fs::read(copy.path().join(shard)).unwrap());
    let [first, second] = [&first, &second].map(|file| SafeTensors::deserialize(file).unwrap());
    let mut tensors: Vec<(String, TensorView<'_>)> = first.tensors();
    tensors.push((
        "classifier.bias".to_owned(),
        second.tensor("classifier.bias").unwrap(),
    ));
    let bytes = safetensors::serialize(tensors, None).unwrap();
    fs::write(copy.path().join(SHARDS[0]), bytes).unwrap();
    let error = load(copy.path()).unwrap_err();
    assert!(
        matches!(
            error,
            StudentError::Folder(FolderError::DuplicateTensor { .. })
        ),
        "{error}"
    );
    let (one, two) = (SHARDS[0], SHARDS[2]);
    let parts =
        format!("classifier.bias of {one} and classifier.bias of {two} are the same tensor");
    assert!(error.to_string().contains(&parts), "{error}");
}

#[test]
fn an_index_that_is_none_is_refused() {
    let copy = deep();
    for shard in ["../elsewhere.safetensors", "/elsewhere.safetensors", ".."] {
        edit_index(copy.path(), |index| {
            index["weight_map"]["classifier.bias"] = shard.into();
        });
        let error = load(copy.path()).unwrap_err().to_string();
        assert!(
            error.contains("allowed: a file of the same folder"),
            "{error}"
        );
    }
    fs::write(copy.path().join(INDEX), r#"{"metadata": {}}"#).unwrap();
    let error = load(copy.path()).unwrap_err();
    assert!(
        matches!(error, StudentError::Folder(FolderError::Json { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("weight_map"), "{error}");
}

/// Name, type and bytes of every tensor of a folder, and the file that each stands in.
fn tensors(dir: &Path) -> BTreeMap<String, (String, Dtype, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            let bytes = fs::read(&path).unwrap();
            for (name, view) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                assert!(
                    all.insert(name, (file, view.dtype(), view.data().to_vec()))
                        .is_none()
                );
            }
        }
    }
    all
}

#[test]
fn shards_are_written_as_hugging_face_writes_them() {
    let dir = tempfile::tempdir().unwrap();
    let model = load(&folder().join("tiny-deep")).unwrap();
    let saved = dir.path().join("saved");
    // The call that wrote the golden: 12 kB, bfloat16.
    let options = SaveOptions {
        weight_type: WeightType::Bf16,
        max_shard_size: Some(12_000),
    };
    model.save_dir_with(&saved, &options).unwrap();
    // The numbers were bfloat16 before: nothing is lost, and the same tensors fill the same shards.
    assert_eq!(tensors(&saved), tensors(&folder().join("tiny-deep")));
    let [ours, theirs] = [saved.clone(), folder().join("tiny-deep")]
        .map(|dir| serde_json::from_slice::<Value>(&fs::read(dir.join(INDEX)).unwrap()).unwrap());
    assert_eq!(ours, theirs);
    let text = fs::read_to_string(saved.join("config.json")).unwrap();
    assert!(text.contains(r#""dtype": "bfloat16""#), "{text}");

    let golden: Golden = read("tiny-deep.json");
    let again = load(&saved).unwrap();
    assert_eq!(logits(&again, &golden.whole), logits(&model, &golden.whole));
    // A sharded folder is a model folder: it is replaced, and no shard stays.
    model.save_dir(&saved).unwrap();
    assert!(saved.join("model.safetensors").exists() && !saved.join(SHARDS[0]).exists());
}

#[test]
fn half_precision_rounds_once() {
    let dir = tempfile::tempdir().unwrap();
    let model = load(&folder().join("tiny-classifier")).unwrap();
    let whole = tensors(&folder().join("tiny-classifier"));
    for weight_type in [WeightType::F16, WeightType::Bf16] {
        let saved = dir.path().join(format!("{weight_type:?}"));
        let options = SaveOptions {
            weight_type,
            ..SaveOptions::default()
        };
        model.save_dir_with(&saved, &options).unwrap();
        let half = tensors(&saved);
        assert!(half.keys().eq(whole.keys()));
        for (name, (_, _, bytes)) in &whole {
            let values = bytes
                .chunks(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            let expected: Vec<u8> = match weight_type {
                WeightType::F16 => values
                    .flat_map(|v| burn::tensor::f16::from_f32(v).to_le_bytes())
                    .collect(),
                _ => values
                    .flat_map(|v| burn::tensor::bf16::from_f32(v).to_le_bytes())
                    .collect(),
            };
            assert_eq!(half[name].2, expected, "{weight_type:?} {name}");
        }
        // Rounded numbers are written again as they are.
        let again = dir.path().join("again");
        load(&saved)
            .unwrap()
            .save_dir_with(&again, &options)
            .unwrap();
        assert_eq!(tensors(&again), half);
    }
}

#[test]
fn a_shard_size_of_nothing_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let model = load(&folder().join("tiny-deep")).unwrap();
    let options = SaveOptions {
        max_shard_size: Some(0),
        ..SaveOptions::default()
    };
    let error = model
        .save_dir_with(dir.path().join("saved"), &options)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`max_shard_size` is 0, allowed: at least 1 byte"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    // A byte: every tensor stands alone.
    let options = SaveOptions {
        max_shard_size: Some(1),
        ..SaveOptions::default()
    };
    let saved = dir.path().join("saved");
    model.save_dir_with(&saved, &options).unwrap();
    let golden: Golden = read("tiny-deep.json");
    assert_eq!(
        logits(&load(&saved).unwrap(), &golden.whole),
        logits(&model, &golden.whole)
    );
}
