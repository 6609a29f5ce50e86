//! Hidden states, logits and gradients equal those of `transformers`.

mod goldens;

use std::collections::BTreeMap;

use burn::tensor::{Device, Int, Tensor, TensorData};
use goldens::{
    Inputs, assert_close, at_real_tokens, folder, numbers, read, with_config, without_dropout,
};
use pair_tokenizer::TokenBatch;
use serde::Deserialize;
use student_model::{BertConfig, BertForSequenceClassification, BertModel};

#[derive(Deserialize)]
struct EncoderCase {
    #[serde(flatten)]
    inputs: Inputs,
    last_hidden_state: Vec<f64>,
    pooler_output: Vec<f64>,
}

#[derive(Deserialize)]
struct ClassifierCase {
    #[serde(flatten)]
    inputs: Inputs,
    logits: Vec<f64>,
    cls: Vec<f64>,
}

#[test]
fn encoder_works_like_transformers_bert_model() {
    let device = Device::default();
    let model = BertModel::from_dir(folder().join("tiny-bert"), &device).unwrap();
    for case in read::<Vec<EncoderCase>>("tiny-bert.json") {
        let output = model.forward(&case.inputs.batch(&device));
        let found = numbers(output.last_hidden_state)
            .into_iter()
            .map(f64::from)
            .collect::<Vec<_>>();
        let found = at_real_tokens(&found, &case.inputs);
        let found: Vec<f32> = found.into_iter().map(|v| v as f32).collect();
        let expected = at_real_tokens(&case.last_hidden_state, &case.inputs);
        assert_close("last_hidden_state", &found, &expected, 1e-4);
        let pooled = numbers(output.pooled.unwrap());
        assert_close("pooler_output", &pooled, &case.pooler_output, 1e-4);
        let cls: Vec<f64> = numbers(output.cls).into_iter().map(f64::from).collect();
        let short = numbers(model.forward_cls(&case.inputs.batch(&device)));
        assert_close("forward_cls", &short, &cls, 1e-5);
    }
}

#[test]
fn classifier_works_like_transformers_with_each_activation() {
    let device = Device::default();
    let folder = folder().join("tiny-classifier");
    let cases: BTreeMap<String, Vec<ClassifierCase>> = read("tiny-classifier.json");
    assert_eq!(cases.len(), 3);
    for (activation, cases) in cases {
        let model = with_config(&folder, |config| {
            config["hidden_act"] = activation.clone().into();
        });
        let model = BertForSequenceClassification::from_dir(model.path(), &device).unwrap();
        for case in cases {
            let output = model.forward(&case.inputs.batch(&device));
            assert_close(
                &format!("{activation} logits"),
                &numbers(output.logits),
                &case.logits,
                1e-4,
            );
            assert_close(
                &format!("{activation} cls"),
                &numbers(output.cls),
                &case.cls,
                1e-4,
            );
        }
    }
}

#[test]
fn a_mask_that_masks_nothing_changes_nothing() {
    let device = Device::default();
    let model = BertModel::from_dir(folder().join("tiny-bert"), &device).unwrap();
    let case = &read::<Vec<EncoderCase>>("tiny-bert.json")[1];
    let without = case.inputs.batch(&device);
    assert!(without.attention_mask.is_none());
    let with = TokenBatch {
        attention_mask: Some(case.inputs.mask(&device)),
        ..case.inputs.batch(&device)
    };
    let expected: Vec<f64> = numbers(model.forward(&without).last_hidden_state)
        .into_iter()
        .map(f64::from)
        .collect();
    // Rounding only: a backend may take another matrix kernel where a bias is added.
    assert_close(
        "masked",
        &numbers(model.forward(&with).last_hidden_state),
        &expected,
        1e-5,
    );
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
    let folder = without_dropout(&folder().join("tiny-classifier"));
    let model = BertForSequenceClassification::from_dir(folder.path(), &device).unwrap();
    let case: GradientCase = read("tiny-gradients.json");

    let output = model.forward(&case.inputs.batch(&device));
    let labels = TensorData::new(case.labels.clone(), [case.labels.len(), 1]);
    let labels = Tensor::<2, Int>::from_data(labels, &device);
    let log_probs = burn::tensor::activation::log_softmax(output.logits, 1);
    let loss = log_probs.gather(1, labels).mean().neg() + output.cls.powi_scalar(2).mean();
    let value: f32 = loss.clone().into_scalar();
    assert!(
        (f64::from(value) - case.loss).abs() < 1e-5,
        "{value} {}",
        case.loss
    );

    let grads = loss.backward();
    let layer = &model.bert.encoder.layer;
    let embeddings = &model.bert.embeddings;
    let weight = |p: &burn::module::Param<Tensor<2>>| p.val().grad(&grads).unwrap();
    let vector = |p: &burn::module::Param<Tensor<1>>| numbers(p.val().grad(&grads).unwrap());
    // A Linear's weight is the transpose of torch's.
    let linear = |p: &burn::module::Param<Tensor<2>>| numbers(weight(p).transpose());
    let found = [
        (
            "bert.embeddings.position_embeddings.weight",
            numbers(weight(&embeddings.position_embeddings.weight)),
        ),
        (
            "bert.embeddings.LayerNorm.weight",
            vector(&embeddings.layer_norm.gamma),
        ),
        (
            "bert.encoder.layer.0.attention.self.query.weight",
            linear(&layer[0].attention.self_attention.query.weight),
        ),
        (
            "bert.encoder.layer.0.attention.self.key.bias",
            vector(layer[0].attention.self_attention.key.bias.as_ref().unwrap()),
        ),
        (
            "bert.encoder.layer.0.intermediate.dense.bias",
            vector(layer[0].intermediate.dense.bias.as_ref().unwrap()),
        ),
        (
            "bert.encoder.layer.1.attention.self.value.weight",
            linear(&layer[1].attention.self_attention.value.weight),
        ),
        (
            "bert.encoder.layer.1.attention.output.dense.weight",
            linear(&layer[1].attention.output.dense.weight),
        ),
        (
            "bert.encoder.layer.1.output.LayerNorm.bias",
            vector(layer[1].output.layer_norm.beta.as_ref().unwrap()),
        ),
        (
            "bert.pooler.dense.weight",
            linear(&model.bert.pooler.as_ref().unwrap().dense.weight),
        ),
        ("classifier.weight", linear(&model.classifier.weight)),
    ];
    assert_eq!(found.len(), case.gradients.len());
    for (name, found) in found {
        assert_close(name, &found, &case.gradients[name], 1e-5);
    }
}

#[derive(Deserialize)]
struct RealCase {
    #[serde(flatten)]
    inputs: Inputs,
    cls: Vec<f64>,
    position_4: Vec<f64>,
    pooler_output: Vec<f64>,
}

/// Runs when `MINILM_DIR` names a folder with all-MiniLM-L6-v2, and passes otherwise after saying so:
/// the weights are 90 MB. `scripts/fetch-minilm` brings them.
#[test]
fn real_minilm_weights_work_like_transformers_if_minilm_dir_is_set() {
    let Some(folder) = std::env::var_os("MINILM_DIR") else {
        println!("skipped: MINILM_DIR is not set");
        return;
    };
    let device = Device::default();
    let model = BertModel::from_dir(&folder, &device).unwrap();
    assert_eq!(model.config().num_hidden_layers, 6);
    let case: RealCase = read("minilm.json");
    let output = model.forward(&case.inputs.batch(&device));
    let at = |position: usize| {
        numbers(
            output
                .last_hidden_state
                .clone()
                .narrow(1, position, 1)
                .narrow(2, 0, 48),
        )
    };
    assert_close("cls", &at(0), &case.cls, 1e-4);
    assert_close("position 4", &at(4), &case.position_4, 1e-4);
    let pooled = numbers(output.pooled.unwrap().narrow(1, 0, 48));
    assert_close("pooler_output", &pooled, &case.pooler_output, 1e-4);

    let labels = BertConfig::default().labels();
    let student =
        BertForSequenceClassification::from_pretrained_encoder(&folder, &labels, 1, &device)
            .unwrap();
    let output = student.forward(&case.inputs.batch(&device));
    assert_close(
        "student's cls",
        &numbers(output.cls.narrow(1, 0, 48)),
        &case.cls,
        1e-4,
    );
}
