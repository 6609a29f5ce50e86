//! The kernels that a ranker runs on the processor, against burn's own forward pass.
#![cfg(feature = "flex")]

mod student;

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use pair_tokenizer::{Encoding, PairTokenizer, PairTokenizerConfig, TokenBatch};
use student::{ITEMS, config, tokenizer};
use student_model::{BertForSequenceClassification, Ranker, Student, StudentError, predict};

fn model() -> BertForSequenceClassification {
    config().init(11, &Device::flex()).unwrap()
}

fn ranker(model: &BertForSequenceClassification) -> Ranker {
    Ranker::new(Student::new(model, tokenizer(24, 40), &[1.0, 0.1, 0.0]).unwrap())
}

fn numbers(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

/// Representations and log-odds of classes, which are differences of logits.
fn assert_ranks_like_burn(student: Student, pairs: &[(&str, &str)]) {
    let encodings = student.tokenizer().encode_pairs(pairs).unwrap();
    let rows: Vec<&Encoding> = encodings.iter().collect();
    let (pad, device) = (student.tokenizer().pad_id(), Device::flex());
    let batch = TokenBatch::collate(&rows, pad, &device).unwrap();
    assert!(batch.attention_mask.is_some(), "lengths differ");
    let output = student.model().forward(&batch);
    let classes = student.model().config().num_labels();
    let ranker = Ranker::new(student);
    let found = ranker
        .embed(pairs)
        .unwrap()
        .mapv(f64::from)
        .into_raw_vec_and_offset()
        .0;
    assert_close(&found, &numbers(output.cls));
    let logits = numbers(output.logits);
    let scores = ranker.score_pairs(pairs).unwrap();
    for (score, logits) in scores.iter().zip(logits.chunks(classes)) {
        for (p, logit) in score.probabilities.iter().zip(logits) {
            let odds = (p / score.probabilities[0]).ln();
            assert_close(&[odds], &[logit - logits[0]]);
        }
    }
}

#[test]
fn a_ranker_gives_what_the_module_gives() {
    let student = Student::new(&model(), tokenizer(24, 40), &[1.0, 0.1, 0.0]).unwrap();
    assert_ranks_like_burn(student, &ITEMS.map(|item| ("wireless mouse", item)));
}

/// Runs when `MINILM_DIR` names a folder with all-MiniLM-L6-v2, and passes otherwise after saying so.
#[test]
fn real_minilm_weights_rank_as_in_burn_if_minilm_dir_is_set() {
    let Some(folder) = std::env::var_os("MINILM_DIR").map(std::path::PathBuf::from) else {
        println!("skipped: MINILM_DIR is not set");
        return;
    };
    let labels = ["Exact", "Irrelevant"];
    let model = BertForSequenceClassification::from_pretrained_encoder(
        &folder,
        &labels,
        1,
        &Device::flex(),
    );
    let lengths = PairTokenizerConfig::default();
    let tokenizer = PairTokenizer::from_file(folder.join("tokenizer.json"), lengths).unwrap();
    let student = Student::new(&model.unwrap(), tokenizer, &[1.0, 0.0]).unwrap();
    let long = "a stainless steel water bottle with a straw lid, 32 oz, ".repeat(20);
    let items = [
        long.as_str(),
        "usb c cable",
        "",
        "black shoes for men, size 11, wide",
    ];
    assert_ranks_like_burn(student, &items.map(|item| ("water bottle 32 oz", item)));
}

#[test]
fn a_pair_gets_the_same_bits_alone_and_in_company() {
    let ranker = ranker(&model());
    let pairs = ITEMS.map(|item| ("wireless mouse", item));
    let alone: Vec<_> = pairs
        .iter()
        .flat_map(|pair| ranker.score_pairs(&[*pair]).unwrap())
        .collect();
    assert_eq!(ranker.score_pairs(&pairs).unwrap(), alone);
    let crowd: Vec<_> = pairs.iter().cycle().take(200).copied().collect();
    let scores = ranker.score_pairs(&crowd).unwrap();
    for (i, score) in scores.iter().enumerate() {
        assert_eq!(score, &alone[i % pairs.len()]);
    }
}

#[test]
fn prediction_gives_the_rankers_distributions() {
    let model = model();
    let pairs = ITEMS.map(|item| ("usb cable", item));
    let scores = ranker(&model).score_pairs(&pairs).unwrap();
    let found = predict(&model, &tokenizer(24, 40), &pairs, 3).unwrap();
    assert_eq!(found.dim(), (ITEMS.len(), 3));
    for (row, score) in found.rows().into_iter().zip(scores) {
        assert_eq!(row.to_vec(), score.probabilities);
    }
    let nothing = predict(&model, &tokenizer(24, 40), &[], 3).unwrap();
    assert_eq!(nothing.dim(), (0, 3));
}

#[test]
fn a_broken_weight_is_an_error_wherever_it_stands() {
    let nan = |linear: &mut Linear| {
        let broken = linear.weight.val() * f32::NAN;
        linear.weight = Param::from_tensor(broken);
    };
    type Break<'a> = &'a dyn Fn(&mut BertForSequenceClassification);
    let layer = |model: &mut BertForSequenceClassification,
                 part: fn(&mut student_model::BertLayer) -> &mut Linear| {
        nan(part(&mut model.bert.encoder.layer[0]));
    };
    let breaks: [Break<'_>; 7] = [
        &|model| layer(model, |l| &mut l.attention.self_attention.query),
        &|model| layer(model, |l| &mut l.attention.self_attention.key),
        &|model| layer(model, |l| &mut l.attention.self_attention.value),
        &|model| layer(model, |l| &mut l.intermediate.dense),
        &|model| layer(model, |l| &mut l.output.dense),
        &|model| nan(&mut model.bert.pooler.as_mut().unwrap().dense),
        &|model| nan(&mut model.classifier),
    ];
    for (i, break_it) in breaks.iter().enumerate() {
        let mut model = model();
        break_it(&mut model);
        let error = ranker(&model).rank("red mouse", &ITEMS).unwrap_err();
        assert!(
            matches!(error, StudentError::NonFinite { index: 0 }),
            "{i}: {error}"
        );
    }
}
