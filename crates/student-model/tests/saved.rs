//! Writes a trained-from-nothing student for `goldens/check_saved.py`, which opens it with
//! `transformers`.

#![cfg(feature = "train")]

mod student;

use burn::tensor::Device;
use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use student::ITEMS;
use student_model::{BertConfig, Ranker, Student, train_wordpiece};

/// Leaves the folder and the ranker's answers where `STUDENT_DIR` says, if it is set; otherwise only
/// reads the folder again.
#[test]
fn a_student_from_nothing_is_saved_and_its_answers_are_written_if_student_dir_is_set() {
    let tokenizer = train_wordpiece(ITEMS, 120).unwrap();
    let settings = PairTokenizerConfig::default()
        .with_max_length(24)
        .with_max_reasoned_length(32)
        .with_min_query_length(8);
    let tokenizer = PairTokenizer::from_tokenizer(tokenizer, settings).unwrap();
    let config = BertConfig {
        vocab_size: tokenizer.id_bound(),
        ..student::config()
    };
    let model = config.init(2, &Device::default()).unwrap();
    let student = Student::new(&model, tokenizer, &[1.0, 0.1, 0.0]).unwrap();

    let temporary = tempfile::tempdir().unwrap();
    let asked = std::env::var_os("STUDENT_DIR").map(std::path::PathBuf::from);
    let folder = asked
        .clone()
        .unwrap_or_else(|| temporary.path().join("student"));
    student.save_dir(&folder).unwrap();
    let ranker = Ranker::from_dir(&folder, &Device::default()).unwrap();
    let pairs: Vec<_> = ITEMS.iter().map(|item| ("black mouse", *item)).collect();
    let scores = ranker.score_pairs(&pairs).unwrap();
    assert_eq!(scores, Ranker::new(student).score_pairs(&pairs).unwrap());
    let Some(folder) = asked else {
        println!("nothing left behind: STUDENT_DIR is not set");
        return;
    };
    let tokenizer = ranker.student().tokenizer();
    let cases = pairs.iter().zip(&scores).map(|((query, item), score)| {
        let ids = tokenizer.encode(query, item).unwrap().ids;
        serde_json::json!({"query": query, "item": item, "ids": ids, "probabilities": score.probabilities})
    });
    let text = serde_json::to_string(&cases.collect::<Vec<_>>()).unwrap();
    std::fs::write(folder.with_extension("logits.json"), text).unwrap();
}
