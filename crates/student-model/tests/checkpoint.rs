//! Hugging Face folders: what is read, what is refused and how, and that what is saved is read again.

mod goldens;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use goldens::{Inputs, folder, numbers, read};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;
use student_model::{
    BertForSequenceClassification, BertModel, FolderError, SaveOptions, StudentError, WeightType,
};
use tempfile::TempDir;

/// Name, type, shape and bytes of each tensor of a checkpoint.
type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

/// A copy of a tiny checkpoint with other tensors.
fn edited(name: &str, edit: impl FnOnce(&mut Tensors)) -> TempDir {
    let source = folder().join(name);
    let bytes = fs::read(source.join("model.safetensors")).unwrap();
    let mut tensors: Tensors = SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensors()
        .into_iter()
        .map(|(name, t)| (name, t.dtype(), t.shape().to_vec(), t.data().to_vec()))
        .collect();
    edit(&mut tensors);
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    let copy = tempfile::tempdir().unwrap();
    fs::write(copy.path().join("model.safetensors"), bytes).unwrap();
    fs::copy(source.join("config.json"), copy.path().join("config.json")).unwrap();
    copy
}

fn inputs() -> Inputs {
    #[derive(Deserialize)]
    struct Case {
        #[serde(flatten)]
        inputs: Inputs,
    }
    let mut cases: Vec<Case> = read("tiny-bert.json");
    cases.remove(0).inputs
}

fn encoder(dir: &Path) -> BertModel {
    BertModel::from_dir(dir, &Device::default()).unwrap()
}

fn cls(model: &BertModel) -> Vec<f32> {
    numbers(model.forward(&inputs().batch(&Device::default())).cls)
}

fn logits(model: &BertForSequenceClassification) -> Vec<f32> {
    numbers(model.forward(&inputs().batch(&Device::default())).logits)
}

fn load(dir: &Path) -> Result<BertForSequenceClassification, StudentError> {
    BertForSequenceClassification::from_dir(dir, &Device::default())
}

#[test]
fn saved_models_give_the_same_numbers_again() {
    let dir = tempfile::tempdir().unwrap();
    let model = load(&folder().join("tiny-classifier")).unwrap();
    let saved = dir.path().join("classifier");
    model.save_dir(&saved).unwrap();
    let again = load(&saved).unwrap();
    assert_eq!(logits(&model), logits(&again));
    assert_eq!(
        again.config().labels(),
        ["Exact", "Substitute", "Complement", "Irrelevant"]
    );

    let model = encoder(&folder().join("tiny-bert"));
    let saved = dir.path().join("encoder");
    model.save_dir(&saved).unwrap();
    assert_eq!(cls(&model), cls(&encoder(&saved)));
}

#[test]
fn saved_tensors_have_the_names_shapes_and_bytes_that_transformers_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let [classifier, bare] = ["classifier", "bare"].map(|name| dir.path().join(name));
    load(&folder().join("tiny-classifier"))
        .unwrap()
        .save_dir(&classifier)
        .unwrap();
    encoder(&folder().join("tiny-bert"))
        .save_dir(&bare)
        .unwrap();
    for (ours, theirs) in [(classifier, "tiny-classifier"), (bare, "tiny-bert")] {
        let files = [ours, folder().join(theirs)];
        let [ours, theirs] = files.map(|dir| fs::read(dir.join("model.safetensors")).unwrap());
        let [ours, theirs] = [&ours, &theirs].map(|file| SafeTensors::deserialize(file).unwrap());
        let mut names = [ours.names(), theirs.names()];
        names.iter_mut().for_each(|n| n.sort());
        assert_eq!(names[0], names[1]);
        for name in &names[0] {
            let [a, b] = [&ours, &theirs].map(|file| file.tensor(name).unwrap());
            assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{name}");
            assert_eq!(a.data(), b.data(), "{name}");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let model = load(&folder().join("tiny-classifier")).unwrap();
    for target in [file.clone(), file.join("model")] {
        let error = model.save_dir(&target).unwrap_err();
        assert!(
            matches!(error, StudentError::Folder(FolderError::File(_))),
            "{error}"
        );
        assert!(error.to_string().contains("file"), "{error}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "not a folder");
}

#[test]
fn the_same_model_is_saved_as_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let config = load(&folder().join("tiny-classifier"))
        .unwrap()
        .config()
        .clone();
    let bytes = |name: &str, seed: u64| {
        let model = config.init(seed, &Device::default()).unwrap();
        let saved = dir.path().join(name);
        model.save_dir(&saved).unwrap();
        let config = fs::read(saved.join("config.json")).unwrap();
        (config, fs::read(saved.join("model.safetensors")).unwrap())
    };
    assert_eq!(bytes("one", 3), bytes("two", 3));
    assert_ne!(bytes("three", 3).1, bytes("four", 4).1);
}

#[test]
fn names_with_and_without_prefix_are_read() {
    let expected = cls(&encoder(&folder().join("tiny-bert")));
    let prefixed = edited("tiny-bert", |tensors| {
        tensors
            .iter_mut()
            .for_each(|t| t.0 = format!("bert.{}", t.0));
    });
    assert_eq!(cls(&encoder(prefixed.path())), expected);
    let bare = edited("tiny-classifier", |tensors| {
        tensors
            .iter_mut()
            .for_each(|t| t.0 = t.0.replace("bert.", ""));
    });
    let model = load(&folder().join("tiny-classifier")).unwrap();
    assert_eq!(logits(&load(bare.path()).unwrap()), logits(&model));
}

#[test]
fn old_names_and_buffers_are_read() {
    let expected = cls(&encoder(&folder().join("tiny-bert")));
    let old = edited("tiny-bert", |tensors| {
        for t in tensors.iter_mut() {
            t.0 = t.0.replace("LayerNorm.weight", "LayerNorm.gamma");
            t.0 = t.0.replace("LayerNorm.bias", "LayerNorm.beta");
        }
        let ids = (0i64..24).flat_map(i64::to_le_bytes).collect();
        tensors.push((
            "embeddings.position_ids".into(),
            Dtype::I64,
            vec![1, 24],
            ids,
        ));
    });
    assert_eq!(cls(&encoder(old.path())), expected);
}

#[test]
fn half_precision_files_are_read() {
    let model = encoder(&folder().join("tiny-bert"));
    for (dtype, tolerance) in [(Dtype::F16, 0.02), (Dtype::BF16, 0.2)] {
        let half = edited("tiny-bert", |tensors| {
            for t in tensors.iter_mut() {
                let values =
                    t.3.chunks(4)
                        .map(|b| f32::from_le_bytes(b.try_into().unwrap()));
                t.3 = values.flat_map(|v| half_bytes(v, dtype)).collect();
                t.1 = dtype;
            }
        });
        let differences = cls(&encoder(half.path())).into_iter().zip(cls(&model));
        let worst = differences.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst > 0.0 && worst < tolerance, "{dtype:?}: {worst}");
    }
}

fn half_bytes(value: f32, dtype: Dtype) -> [u8; 2] {
    match dtype {
        Dtype::F16 => burn::tensor::f16::from_f32(value).to_le_bytes(),
        _ => burn::tensor::bf16::from_f32(value).to_le_bytes(),
    }
}

#[test]
fn an_encoder_without_pooler_has_no_pooled_output() {
    let without = edited("tiny-bert", |tensors| {
        tensors.retain(|t| !t.0.starts_with("pooler."))
    });
    let model = encoder(without.path());
    assert!(model.pooler.is_none());
    assert!(
        model
            .forward(&inputs().batch(&Device::default()))
            .pooled
            .is_none()
    );
    assert_eq!(cls(&model), cls(&encoder(&folder().join("tiny-bert"))));

    let half = edited("tiny-bert", |tensors| {
        tensors.retain(|t| t.0 != "pooler.dense.bias")
    });
    let error = BertModel::from_dir(half.path(), &Device::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("missing pooler.dense.bias [32]"), "{error}");
}

#[test]
fn a_classifiers_encoder_can_be_taken_out() {
    let model = load(&folder().join("tiny-classifier")).unwrap();
    assert_eq!(
        cls(&encoder(&folder().join("tiny-classifier"))),
        cls(&model.bert)
    );
}

#[test]
fn an_encoder_becomes_a_classifier_only_when_asked() {
    let source = folder().join("tiny-bert");
    let error = load(&source).unwrap_err();
    let StudentError::Folder(FolderError::Mismatch(mismatch)) = error else {
        panic!("{error}")
    };
    let names: Vec<_> = mismatch
        .missing
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["classifier.bias", "classifier.weight"]);

    let fresh = |dir: &Path, seed: u64| {
        let labels = ["yes", "perhaps", "no"];
        let device = Device::default();
        BertForSequenceClassification::from_pretrained_encoder(dir, &labels, seed, &device).unwrap()
    };
    let model = fresh(&source, 5);
    assert_eq!(model.config().labels(), ["yes", "perhaps", "no"]);
    assert_eq!(cls(&model.bert), cls(&encoder(&source)));
    assert_eq!(logits(&model), logits(&fresh(&source, 5)));
    assert_ne!(logits(&model), logits(&fresh(&source, 6)));

    let without = edited("tiny-bert", |tensors| {
        tensors.retain(|t| !t.0.starts_with("pooler."))
    });
    let [a, b] = [5, 6].map(|seed| fresh(without.path(), seed));
    assert_eq!(cls(&a.bert), cls(&b.bert));
    let pooled = |model: &BertForSequenceClassification| {
        numbers(model.forward(&inputs().batch(&Device::default())).pooled)
    };
    assert_ne!(pooled(&a), pooled(&b));
    assert_eq!(pooled(&a), pooled(&fresh(without.path(), 5)));
}

#[test]
fn missing_unexpected_and_misshapen_tensors_are_named_with_shapes() {
    let wrong = edited("tiny-classifier", |tensors| {
        tensors.retain(|t| t.0 != "bert.encoder.layer.1.output.dense.bias");
        tensors.push((
            "cls.predictions.bias".into(),
            Dtype::F32,
            vec![2],
            vec![0; 8],
        ));
        let query = "bert.encoder.layer.0.attention.self.query.weight";
        let at = tensors.iter().position(|t| t.0 == query).unwrap();
        tensors[at].2 = vec![16, 64];
    });
    let error = load(wrong.path()).unwrap_err().to_string();
    let parts = [
        "missing bert.encoder.layer.1.output.dense.bias [32]",
        "unexpected cls.predictions.bias [2]",
        "bert.encoder.layer.0.attention.self.query.weight has shape [16, 64], expected [32, 32]",
    ];
    for part in parts {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_config_that_does_not_fit_the_weights_is_refused() {
    let copy = edited("tiny-classifier", |_| {});
    let path = copy.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
    )
    .unwrap();
    let error = load(copy.path()).unwrap_err().to_string();
    assert!(error.contains("missing bert.encoder.layer.2."), "{error}");
    assert!(error.contains("and 11 more"), "{error}");
    fs::write(
        &path,
        text.replace("\"intermediate_size\": 48", "\"intermediate_size\": 64"),
    )
    .unwrap();
    let error = load(copy.path()).unwrap_err().to_string();
    assert!(
        error.contains("intermediate.dense.weight has shape [48, 32], expected [64, 32]"),
        "{error}"
    );
}

/// Sizes that no memory has are refused in the time and space that a small file takes.
#[test]
fn hostile_sizes_are_refused_before_memory_is_asked_for() {
    let copy = edited("tiny-classifier", |_| {});
    let path = copy.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    for (key, value, expected) in [
        (
            "num_hidden_layers",
            1_000_000_000,
            "`num_hidden_layers` is 1000000000, allowed: at most",
        ),
        ("num_hidden_layers", u64::MAX, "`num_hidden_layers` is"),
        (
            "vocab_size",
            1 << 40,
            "word_embeddings.weight has shape [96, 32], expected [1099511627776, 32]",
        ),
        ("vocab_size", 1 << 62, "`vocab_size` is"),
        ("hidden_size", 1 << 60, "`hidden_size` is"),
        (
            "intermediate_size",
            1 << 50,
            "expected [1125899906842624, 32]",
        ),
        (
            "max_position_embeddings",
            1 << 45,
            "expected [35184372088832, 32]",
        ),
        (
            "max_position_embeddings",
            u64::MAX,
            "`max_position_embeddings` is",
        ),
        ("type_vocab_size", 1 << 45, "expected [35184372088832, 32]"),
        (
            "num_labels",
            1_000_000_000_000,
            "`num_labels` is 1000000000000, allowed: 1 to 65536",
        ),
        (
            "num_labels",
            60_000,
            "classifier.weight has shape [4, 32], expected [60000, 32]",
        ),
    ] {
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        config[key] = value.into();
        if key == "num_labels" {
            let keys = config.as_object_mut().unwrap();
            keys.remove("id2label");
            keys.remove("label2id");
        }
        fs::write(&path, config.to_string()).unwrap();
        let error = load(copy.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{key} {value}: {error}");
        // The same for what takes only the encoder, but for the classes.
        if key != "num_labels" {
            let error = BertModel::from_dir(copy.path(), &Device::default()).unwrap_err();
            assert!(error.to_string().contains(key) || error.to_string().contains(expected));
        }
    }
}

#[test]
fn eight_bit_floats_are_named_with_their_tensor() {
    let name = "embeddings.LayerNorm.weight";
    let eight = edited("tiny-bert", |tensors| {
        let tensor = tensors.iter_mut().find(|t| t.0 == name).unwrap();
        tensor.1 = Dtype::F8_E4M3;
        tensor.3.truncate(tensor.3.len() / 4);
    });
    let error = BertModel::from_dir(eight.path(), &Device::default()).unwrap_err();
    let expected = format!("{name} holds F8_E4M3, allowed: F64, F32, F16, BF16");
    assert!(error.to_string().contains(&expected), "{error}");
}

#[test]
fn a_weight_that_f16_does_not_have_is_named_and_nothing_is_written() {
    let large = edited("tiny-bert", |tensors| {
        let norm = tensors
            .iter_mut()
            .find(|t| t.0 == "embeddings.LayerNorm.weight");
        norm.unwrap().3[..4].copy_from_slice(&70_000f32.to_le_bytes());
    });
    let model = encoder(large.path());
    let dir = tempfile::tempdir().unwrap();
    let mut options = SaveOptions {
        weight_type: WeightType::F16,
        ..SaveOptions::default()
    };
    let error = model
        .save_dir_with(dir.path().join("half"), &options)
        .unwrap_err();
    let expected =
        "embeddings.LayerNorm.weight holds 70000, too large for float16, allowed: at most 65504";
    assert_eq!(error.to_string(), expected);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    options.weight_type = WeightType::Bf16;
    model
        .save_dir_with(dir.path().join("half"), &options)
        .unwrap();
}

#[test]
fn integers_and_duplicates_are_refused() {
    let integers = edited("tiny-bert", |tensors| tensors[0].1 = Dtype::I32);
    let error = BertModel::from_dir(integers.path(), &Device::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("holds I32, allowed: F64, F32, F16, BF16"),
        "{error}"
    );
    let twice = edited("tiny-bert", |tensors| {
        let mut copy = tensors[0].clone();
        copy.0 = format!("bert.{}", copy.0);
        tensors.push(copy);
    });
    let error = BertModel::from_dir(twice.path(), &Device::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("are the same tensor"), "{error}");
}

#[test]
fn missing_and_broken_files_are_named() {
    let empty = tempfile::tempdir().unwrap();
    let error = load(empty.path()).unwrap_err().to_string();
    assert!(
        error.contains("config.json") && error.contains("No such file"),
        "{error}"
    );
    let source = folder().join("tiny-classifier/config.json");
    fs::copy(source, empty.path().join("config.json")).unwrap();
    let error = load(empty.path()).unwrap_err().to_string();
    assert!(
        error.contains("model.safetensors") && error.contains("No such file"),
        "{error}"
    );
    fs::write(empty.path().join("model.safetensors"), b"not a checkpoint").unwrap();
    let error = load(empty.path()).unwrap_err();
    assert!(
        matches!(error, StudentError::Folder(FolderError::Damaged { .. })),
        "{error}"
    );
}

#[test]
fn a_folder_is_replaced_whole_and_a_foreign_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let model = load(&folder().join("tiny-classifier")).unwrap();
    let saved = dir.path().join("deep/er/model");
    model.save_dir(&saved).unwrap();
    fs::write(saved.join("README.md"), "old").unwrap();
    model.save_dir(&saved).unwrap();
    assert!(!saved.join("README.md").exists());
    fs::write(saved.join("thesis.tex"), "precious").unwrap();
    let error = model.save_dir(&saved).unwrap_err().to_string();
    assert!(
        error.contains("holds thesis.tex, which is not part of a model folder"),
        "{error}"
    );
    assert!(saved.join("thesis.tex").exists());
    let left: Vec<_> = fs::read_dir(dir.path().join("deep/er")).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary folder stays");
}
