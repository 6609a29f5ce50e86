//! The tokenizer.

use causal_lm::LmTokenizer;
use serde::Deserialize;

use crate::golden::{json, path};

#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
}

#[test]
fn tokens_equal_the_python_tokenizers() {
    let tokenizer = LmTokenizer::from_file(path("tokenizer.json")).unwrap();
    let cases: Vec<Case> = json("tokenizer_cases.json");
    for case in &cases {
        assert_eq!(tokenizer.encode(&case.text).unwrap(), case.ids);
        assert_eq!(tokenizer.decode(&case.ids).unwrap(), case.text);
    }
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    let ids: Vec<_> = cases.iter().map(|case| case.ids.clone()).collect();
    assert_eq!(tokenizer.encode_batch(&texts).unwrap(), ids);
}

#[test]
fn a_special_token_in_a_text_is_text() {
    let tokenizer = LmTokenizer::from_file(path("tokenizer.json")).unwrap();
    let ids = tokenizer.encode("a<|endoftext|>b").unwrap();
    assert!(!ids.contains(&tokenizer.eos_id()));
    assert_eq!(tokenizer.decode(&ids).unwrap(), "a<|endoftext|>b");
    assert_eq!(
        tokenizer.decode(&[ids[0], tokenizer.eos_id()]).unwrap(),
        "a"
    );
}

#[test]
fn a_saved_tokenizer_is_the_same() {
    let tokenizer = LmTokenizer::from_file(path("tokenizer.json")).unwrap();
    assert_eq!((tokenizer.eos_id(), tokenizer.pad_id()), (0, 1));
    let dir = tempfile::tempdir().unwrap();
    tokenizer.save_dir(dir.path()).unwrap();
    let again = LmTokenizer::from_dir(dir.path()).unwrap();
    assert_eq!(
        (again.eos_id(), again.pad_id(), again.vocab_size()),
        (0, 1, tokenizer.vocab_size())
    );
    assert_eq!(
        again.encode("kitchen").unwrap(),
        tokenizer.encode("kitchen").unwrap()
    );
    assert!(!again.encode("<|pad|>").unwrap().contains(&1));
}

/// The guard of an embedding table is the largest id, not the number of tokens.
#[test]
fn a_vocabulary_with_holes_is_as_large_as_its_largest_id() {
    let dir = tempfile::tempdir().unwrap();
    let mut tokenizer: serde_json::Value = json("tokenizer.json");
    let whole = LmTokenizer::from_file(path("tokenizer.json")).unwrap();
    let vocabulary = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    vocabulary.insert("kitchenette".to_owned(), 5_000.into());
    std::fs::write(dir.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let holes = LmTokenizer::from_dir(dir.path()).unwrap();
    assert_eq!(holes.inner().get_vocab_size(true), whole.vocab_size() + 1);
    assert_eq!(holes.vocab_size(), 5_001);
}

#[test]
fn bad_tokenizers_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokenizer.json");
    let message = || LmTokenizer::from_file(&file).unwrap_err().to_string();
    assert!(message().contains("tokenizer.json\": No such file"));
    std::fs::write(&file, "{}").unwrap();
    assert!(message().contains("tokenizer.json: "));
    std::fs::copy(path("tokenizer.json"), &file).unwrap();
    std::fs::write(
        dir.path().join("tokenizer_config.json"),
        r#"{"eos_token": {"content": "</s>"}}"#,
    )
    .unwrap();
    assert_eq!(message(), "tokenizer: the vocabulary has no token \"</s>\"");
}
