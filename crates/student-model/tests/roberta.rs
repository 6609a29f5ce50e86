//! RoBERTa and XLM-RoBERTa: numbers and gradients equal those of `transformers`, names are those of its
//! checkpoints, configurations take its defaults.

mod goldens;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use goldens::{Inputs, assert_close, at_real_tokens, folder, numbers, read, without_dropout};
use safetensors::{SafeTensors, tensor::TensorView};
use serde::Deserialize;
use student_model::{
    BertConfig, BertForSequenceClassification, BertModel, FolderError, ModelType, StudentError,
};
use tempfile::TempDir;

const CLASSIFIERS: [(&str, ModelType); 2] = [
    ("tiny-roberta", ModelType::Roberta),
    ("tiny-xlm-roberta", ModelType::XlmRoberta),
];

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    inputs: Inputs,
    last_hidden_state: Vec<f64>,
    #[serde(default)]
    logits: Vec<f64>,
    #[serde(default)]
    pooler_output: Vec<f64>,
}

impl Case {
    fn assert_hidden(&self, name: &str, found: Tensor<3>) {
        let found: Vec<f64> = numbers(found).into_iter().map(f64::from).collect();
        let found = at_real_tokens(&found, &self.inputs);
        let found: Vec<f32> = found.into_iter().map(|v| v as f32).collect();
        let expected = at_real_tokens(&self.last_hidden_state, &self.inputs);
        assert_close(name, &found, &expected, 1e-5);
    }

    /// Whether `<s>` stands at position 0 of every row.
    fn padded_on_the_right(&self) -> bool {
        self.inputs.attention_mask.iter().all(|row| row[0] == 1)
    }
}

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
    layers: Vec<usize>,
    cut: Case,
}

fn load(dir: &Path) -> Result<BertForSequenceClassification, StudentError> {
    BertForSequenceClassification::from_dir(dir, &Device::default())
}

#[test]
fn classifiers_work_like_transformers() {
    let device = Device::default();
    for (name, model_type) in CLASSIFIERS {
        let model = load(&folder().join(name)).unwrap();
        assert_eq!(model.config().model_type, model_type);
        assert_eq!(model.config().max_tokens(), 64);
        let golden: Cases = read(&format!("{name}.json"));
        let left = golden.cases.iter().filter(|c| !c.padded_on_the_right());
        assert_eq!((golden.cases.len(), left.count()), (4, 1));
        for case in &golden.cases {
            let batch = case.inputs.batch(&device);
            case.assert_hidden(name, model.bert.forward(&batch).last_hidden_state);
            let output = model.forward(&batch);
            assert_close(name, &numbers(output.logits), &case.logits, 1e-5);
        }
        let student = model.with_layers(&golden.layers).unwrap();
        assert_eq!(student.config().num_hidden_layers, golden.layers.len());
        let batch = golden.cut.inputs.batch(&device);
        let found = student.forward(&batch);
        assert_close("cut", &numbers(found.logits), &golden.cut.logits, 1e-5);
    }
}

#[test]
fn bare_encoders_work_like_transformers() {
    let device = Device::default();
    let model = BertModel::from_dir(folder().join("tiny-roberta-encoder"), &device).unwrap();
    for case in read::<Vec<Case>>("tiny-roberta-encoder.json") {
        let output = model.forward(&case.inputs.batch(&device));
        case.assert_hidden("last_hidden_state", output.last_hidden_state);
        let pooled = numbers(output.pooled.unwrap());
        assert_close("pooler_output", &pooled, &case.pooler_output, 1e-5);
    }
}

#[derive(Deserialize)]
struct GradientCase {
    #[serde(flatten)]
    inputs: Inputs,
    labels: Vec<i64>,
    loss: f64,
    gradients: BTreeMap<String, Vec<f64>>,
}

#[test]
fn gradients_work_like_torch() {
    let device = Device::default().autodiff();
    let folder = without_dropout(&folder().join("tiny-roberta"));
    let model = BertForSequenceClassification::from_dir(folder.path(), &device).unwrap();
    let case: GradientCase = read("tiny-roberta-gradients.json");
    let output = model.forward(&case.inputs.batch(&device));
    let labels = TensorData::new(case.labels.clone(), [case.labels.len(), 1]);
    let labels = Tensor::<2, Int>::from_data(labels, &device);
    let log_probs = burn::tensor::activation::log_softmax(output.logits, 1);
    let loss = log_probs.gather(1, labels).mean().neg() + output.cls.powi_scalar(2).mean();
    let value: f32 = loss.clone().into_scalar();
    assert!((f64::from(value) - case.loss).abs() < 1e-5, "{value}");

    let grads = loss.backward();
    let (embeddings, layer) = (&model.bert.embeddings, &model.bert.encoder.layer);
    let weight = |p: &burn::module::Param<Tensor<2>>| p.val().grad(&grads).unwrap();
    let vector = |p: &burn::module::Param<Tensor<1>>| numbers(p.val().grad(&grads).unwrap());
    // A Linear's weight is the transpose of torch's.
    let linear = |p: &burn::module::Param<Tensor<2>>| numbers(weight(p).transpose());
    let table = |p: &burn::module::Param<Tensor<2>>| numbers(weight(p));
    let query = &layer[0].attention.self_attention.query;
    let head = &model.bert.pooler.as_ref().unwrap().dense;
    let found = [
        (
            "roberta.embeddings.position_embeddings.weight",
            table(&embeddings.position_embeddings.weight),
        ),
        (
            "roberta.embeddings.token_type_embeddings.weight",
            table(&embeddings.token_type_embeddings.weight),
        ),
        (
            "roberta.embeddings.LayerNorm.weight",
            vector(&embeddings.layer_norm.gamma),
        ),
        (
            "roberta.encoder.layer.0.attention.self.query.weight",
            linear(&query.weight),
        ),
        (
            "roberta.encoder.layer.1.output.LayerNorm.bias",
            vector(layer[1].output.layer_norm.beta.as_ref().unwrap()),
        ),
        ("classifier.dense.weight", linear(&head.weight)),
        (
            "classifier.out_proj.weight",
            linear(&model.classifier.weight),
        ),
    ];
    assert_eq!(found.len(), case.gradients.len());
    for (name, found) in found {
        assert_close(name, &found, &case.gradients[name], 1e-5);
    }
}

/// Dropout stands before both projections of the head: with all other dropout off, the pooled output
/// differs from the undropped one in training, and a BERT's does not.
#[test]
fn only_robertas_head_drops_what_it_reads() {
    let device = Device::default().autodiff();
    for (model_type, dropped) in [(ModelType::Bert, false), (ModelType::Roberta, true)] {
        let config = BertConfig {
            model_type,
            vocab_size: 20,
            hidden_size: 16,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 16,
            max_position_embeddings: 16,
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            classifier_dropout: Some(0.5),
            initializer_range: 0.4,
            ..BertConfig::default_for(model_type)
        };
        let model = config.init(7, &device).unwrap();
        let inputs = Inputs {
            input_ids: vec![vec![4, 5, 6]],
            token_type_ids: vec![vec![0; 3]],
            attention_mask: vec![vec![1; 3]],
        };
        let output = model.forward(&inputs.batch(&device));
        let whole = model.bert.forward(&inputs.batch(&device)).pooled.unwrap();
        let difference: f32 = (output.pooled - whole).abs().max().into_scalar();
        assert_eq!(difference > 1e-3, dropped, "{model_type}: {difference}");
    }
}

/// A copy of a checkpoint with every tensor under the names that `rename` gives for its own.
fn renamed(name: &str, rename: impl Fn(&str) -> Vec<String>) -> TempDir {
    let source = folder().join(name);
    let bytes = fs::read(source.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors: Vec<(String, TensorView<'_>)> = file
        .tensors()
        .into_iter()
        .flat_map(|(name, view)| {
            rename(&name)
                .into_iter()
                .map(move |name| (name, view.clone()))
        })
        .collect();
    let copy = tempfile::tempdir().unwrap();
    let bytes = safetensors::serialize(tensors, None).unwrap();
    fs::write(copy.path().join("model.safetensors"), bytes).unwrap();
    fs::copy(source.join("config.json"), copy.path().join("config.json")).unwrap();
    copy
}

fn cls(model: &BertModel) -> Vec<f32> {
    let cases: Vec<Case> = read("tiny-roberta-encoder.json");
    numbers(model.forward_cls(&cases[0].inputs.batch(&Device::default())))
}

#[test]
fn saved_tensors_have_the_names_and_bytes_that_transformers_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let device = Device::default();
    for name in ["tiny-roberta", "tiny-xlm-roberta", "tiny-roberta-encoder"] {
        let saved = dir.path().join(name);
        if name == "tiny-roberta-encoder" {
            let model = BertModel::from_dir(folder().join(name), &device).unwrap();
            model.save_dir(&saved).unwrap();
        } else {
            load(&folder().join(name))
                .unwrap()
                .save_dir(&saved)
                .unwrap();
        }
        let [ours, theirs] = [saved.clone(), folder().join(name)]
            .map(|dir| fs::read(dir.join("model.safetensors")).unwrap());
        let [ours, theirs] = [&ours, &theirs].map(|file| SafeTensors::deserialize(file).unwrap());
        let mut names = [ours.names(), theirs.names()];
        names.iter_mut().for_each(|n| n.sort());
        assert_eq!(names[0], names[1]);
        for tensor in &names[0] {
            let [a, b] = [&ours, &theirs].map(|file| file.tensor(tensor).unwrap());
            assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{tensor}");
            assert_eq!(a.data(), b.data(), "{tensor}");
        }
        let [ours, theirs] = [saved, folder().join(name)].map(|dir| {
            let text = fs::read_to_string(dir.join("config.json")).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        });
        for key in [
            "architectures",
            "model_type",
            "dtype",
            "id2label",
            "label2id",
            "pad_token_id",
        ] {
            assert!(
                theirs.get(key).is_none() || ours[key] == theirs[key],
                "{name}: {key}"
            );
        }
    }
}

#[test]
fn heads_of_other_tasks_are_passed_over_and_a_bare_pooler_is_no_head() {
    let device = Device::default();
    let expected =
        cls(&BertModel::from_dir(folder().join("tiny-roberta-encoder"), &device).unwrap());
    // As `RobertaForMaskedLM` saves it.
    let masked_lm = renamed("tiny-roberta-encoder", |name| match name {
        "pooler.dense.weight" => vec!["lm_head.dense.weight".to_owned()],
        "pooler.dense.bias" => vec!["lm_head.dense.bias".to_owned()],
        name => vec![format!("roberta.{name}")],
    });
    let model = BertModel::from_dir(masked_lm.path(), &device).unwrap();
    assert!(model.pooler.is_none());
    assert_eq!(cls(&model), expected);

    let fresh = |dir: &Path, seed: u64| {
        BertForSequenceClassification::from_pretrained_encoder(dir, &["yes", "no"], seed, &device)
            .unwrap()
    };
    let with = folder().join("tiny-roberta-encoder");
    let head = |model: &BertForSequenceClassification| {
        numbers(model.bert.pooler.as_ref().unwrap().dense.weight.val())
    };
    assert_eq!(head(&fresh(&with, 5)), head(&fresh(masked_lm.path(), 5)));
    assert_ne!(head(&fresh(&with, 5)), head(&fresh(&with, 6)));
    assert_eq!(cls(&fresh(&with, 5).bert), expected);

    // Some old checkpoints of classifiers hold a pooler too.
    let both = renamed("tiny-roberta", |name| {
        match name.strip_prefix("classifier.dense.") {
            Some(rest) => vec![name.to_owned(), format!("roberta.pooler.dense.{rest}")],
            None => vec![name.to_owned()],
        }
    });
    load(both.path()).unwrap();
    let error = load(&with).unwrap_err();
    let StudentError::Folder(FolderError::Mismatch(mismatch)) = error else {
        panic!("{error}")
    };
    let missing: Vec<&str> = mismatch
        .missing
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        missing,
        [
            "classifier.dense.bias",
            "classifier.dense.weight",
            "classifier.out_proj.bias",
            "classifier.out_proj.weight"
        ]
    );
    assert!(mismatch.unexpected.is_empty());
    // BERT's way to name a classifier is not RoBERTa's.
    let berts = renamed("tiny-roberta", |name| vec![name.replace("out_proj.", "")]);
    let error = load(berts.path()).unwrap_err().to_string();
    assert!(
        error.contains("missing classifier.out_proj.bias [4], classifier.out_proj.weight [4, 24]"),
        "{error}"
    );
    assert!(
        error.contains("unexpected classifier.bias [4], classifier.weight [4, 24]"),
        "{error}"
    );
}

#[test]
fn configurations_take_the_defaults_of_their_type() {
    let config = |text: &str| BertConfig::from_json(text).unwrap();
    let roberta = config(
        r#"{"model_type": "roberta", "max_position_embeddings": 514, "type_vocab_size": 1}"#,
    );
    assert_eq!((roberta.vocab_size, roberta.pad_token_id), (50265, 1));
    assert_eq!((roberta.first_position(), roberta.max_tokens()), (2, 512));
    let xlm = config(r#"{"model_type": "xlm-roberta"}"#);
    assert_eq!(
        (xlm.model_type, xlm.vocab_size, xlm.max_tokens()),
        (ModelType::XlmRoberta, 30522, 510)
    );
    let bert = config(r#"{"model_type": "bert"}"#);
    assert_eq!((&bert, bert.max_tokens()), (&BertConfig::default(), 512));
    for model_type in ModelType::ALL {
        assert_eq!(
            config(&format!(r#"{{"model_type": "{model_type}"}}"#)),
            BertConfig::default_for(model_type)
        );
    }
    let short = r#"{"model_type": "roberta", "max_position_embeddings": 2}"#;
    let error = BertConfig::from_json(short).unwrap_err().to_string();
    assert_eq!(
        error,
        "config.json: `max_position_embeddings` is 2, allowed: above 2, the first position of roberta"
    );
}
