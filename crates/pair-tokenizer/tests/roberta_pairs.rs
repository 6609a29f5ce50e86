//! RoBERTa's and XLM-RoBERTa's pairs against `transformers`, in three languages, from the folders that
//! `save_pretrained` wrote.

use pair_tokenizer::{
    Encoding, PairTemplate, PairTokenizer, PairTokenizerConfig, PairTokenizerError,
};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const FOLDERS: [&str; 2] = ["roberta", "xlm-roberta"];

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name)
}

#[derive(Deserialize)]
struct View {
    query: String,
    item: String,
    reason: String,
    standard_64: Vec<u32>,
    narrow_32: Option<Vec<u32>>,
    reasoned_96: Vec<u32>,
}

#[derive(Deserialize)]
struct Views {
    pad_id: u32,
    vocab_size: usize,
    views: Vec<View>,
}

fn views(name: &str) -> Views {
    serde_json::from_slice(&fs::read(folder(name).join("views.json")).unwrap()).unwrap()
}

/// The lengths of a caller who does not know which tokenizer the folder holds.
fn lengths(max_length: usize, max_reasoned_length: usize) -> PairTokenizerConfig {
    PairTokenizerConfig::default()
        .with_max_length(max_length)
        .with_max_reasoned_length(max_reasoned_length)
        .with_min_query_length(max_length - 8)
}

#[test]
fn views_equal_those_of_transformers() {
    for name in FOLDERS {
        let standard = PairTokenizer::from_dir(folder(name), lengths(64, 96)).unwrap();
        let narrow = PairTokenizer::from_dir(folder(name), lengths(32, 96)).unwrap();
        let golden = views(name);
        assert_eq!(standard.template(), PairTemplate::Roberta);
        assert_eq!(standard.pad_id(), golden.pad_id);
        assert_eq!(standard.id_bound(), golden.vocab_size);
        let mut narrowed = 0;
        for view in &golden.views {
            let View { query, item, .. } = view;
            let ours = standard.encode(query, item).unwrap();
            assert_eq!(ours.ids, view.standard_64, "{name}: {query:?}");
            assert_eq!(ours.type_ids, vec![0; ours.len()], "{name}: {query:?}");
            let ours = standard.encode_reasoned(query, item, &view.reason).unwrap();
            assert_eq!(ours.ids, view.reasoned_96, "{name}: {query:?}");
            if let Some(expected) = &view.narrow_32 {
                assert_eq!(
                    &narrow.encode(query, item).unwrap().ids,
                    expected,
                    "{name}: {query:?}"
                );
                narrowed += usize::from(expected.len() == 32);
            }
        }
        assert!(narrowed >= 6, "{narrowed} pairs are cut");
    }
}

/// Lengths of the texts between `<s>`, `</s></s>` and `</s>`.
fn texts(tokenizer: &PairTokenizer, view: &Encoding) -> Vec<usize> {
    let sep = tokenizer.sep_id();
    assert_eq!(view.ids[0], tokenizer.cls_id());
    assert_eq!(view.ids.last(), Some(&sep));
    let body = &view.ids[1..view.len() - 1];
    let pieces: Vec<usize> = body.split(|&id| id == sep).map(<[u32]>::len).collect();
    // The nothing between two separators.
    assert!(pieces.iter().skip(1).step_by(2).all(|&length| length == 0));
    pieces.into_iter().step_by(2).collect()
}

#[test]
fn truncation_is_that_of_bert_with_more_separators() {
    let tokenizer = |max_length, max_reasoned_length, min_query_length| {
        let config = PairTokenizerConfig::roberta()
            .with_max_length(max_length)
            .with_max_reasoned_length(max_reasoned_length)
            .with_min_query_length(min_query_length);
        PairTokenizer::from_file(folder("roberta").join("tokenizer.json"), config).unwrap()
    };
    // One token a letter: no merge has a digit behind a digit 7.
    let text = |n: usize| "7".repeat(n);
    let roomy = tokenizer(32, 48, 16);
    let cut = |query, item| texts(&roomy, &roomy.encode(&text(query), &text(item)).unwrap());
    assert_eq!(cut(5, 5), [5, 5]);
    assert_eq!(cut(5, 100), [5, 23]);
    assert_eq!(cut(20, 100), [16, 12]);
    assert_eq!(cut(100, 3), [25, 3]);
    assert_eq!(cut(100, 0), [28, 0]);
    let reasoned = |tokenizer: &PairTokenizer, item, reason| {
        let view = tokenizer.encode_reasoned(&text(5), &text(item), &text(reason));
        let view = view.unwrap();
        assert!(view.len() <= tokenizer.config().max_reasoned_length);
        texts(tokenizer, &view)
    };
    assert_eq!(reasoned(&roomy, 5, 5), [5, 5, 5]);
    assert_eq!(reasoned(&roomy, 100, 100), [5, 23, 14]);
    // One token of the reason always fits, at the item's cost.
    let tight = tokenizer(32, 32, 16);
    assert_eq!(reasoned(&tight, 100, 100), [5, 20, 1]);
    assert_eq!(reasoned(&tight, 100, 0), [5, 21, 0]);
}

#[test]
fn special_tokens_in_a_text_are_text() {
    for name in FOLDERS {
        let tokenizer = PairTokenizer::from_dir(folder(name), lengths(64, 96)).unwrap();
        let view = tokenizer.encode("a </s> <pad>", "<s> b </s></s>").unwrap();
        let count = |id| view.ids.iter().filter(|&&token| token == id).count();
        assert_eq!(count(tokenizer.cls_id()), 1, "{name}");
        assert_eq!(count(tokenizer.sep_id()), 3, "{name}");
        assert_eq!(count(tokenizer.pad_id()), 0, "{name}");
    }
}

#[test]
fn lengths_leave_room_for_four_and_six_special_tokens() {
    let fault = |max_length, max_reasoned_length| {
        let config = PairTokenizerConfig::roberta()
            .with_max_length(max_length)
            .with_max_reasoned_length(max_reasoned_length)
            .with_min_query_length(10);
        config.validate().unwrap_err().to_string()
    };
    assert!(
        fault(14, 30).contains("at least 15 (min_query_length, 1 token of the item, 4 special")
    );
    assert!(fault(15, 17).contains("at least 18 (min_query_length, 1 token each"));
    // A folder's template is known only when it is read.
    let short = PairTokenizerConfig::default()
        .with_max_length(14)
        .with_min_query_length(10);
    short.validate().unwrap();
    let error = PairTokenizer::from_dir(folder("roberta"), short).unwrap_err();
    assert!(error.to_string().contains("at least 15"), "{error}");
}

/// The files of a folder, `tokenizer.json` edited.
fn edited(name: &str, edit: impl FnOnce(&mut serde_json::Value)) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        fs::copy(folder(name).join(file), copy.path().join(file)).unwrap();
    }
    let path = copy.path().join("tokenizer.json");
    let mut json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut json);
    fs::write(path, json.to_string()).unwrap();
    copy
}

#[test]
fn names_come_from_either_file_and_as_objects_too() {
    let copy = edited("roberta", |_| {});
    fs::remove_file(copy.path().join("tokenizer_config.json")).unwrap();
    let error = PairTokenizer::from_dir(copy.path(), lengths(64, 96)).unwrap_err();
    assert!(
        error.to_string().contains("<mask>, <pad>, <s>, <unk>"),
        "{error}"
    );
    let map = r#"{"cls_token": {"content": "<s>", "lstrip": false}, "sep_token": "</s>", "pad_token": "<pad>"}"#;
    fs::write(copy.path().join("special_tokens_map.json"), map).unwrap();
    let tokenizer = PairTokenizer::from_dir(copy.path(), lengths(64, 96)).unwrap();
    assert_eq!(tokenizer.config().cls_token, "<s>");
    fs::write(copy.path().join("tokenizer_config.json"), "[]").unwrap();
    let error = PairTokenizer::from_dir(copy.path(), lengths(64, 96)).unwrap_err();
    assert!(matches!(error, PairTokenizerError::Folder(_)), "{error}");
}

#[test]
fn the_template_is_the_tokenizers_own() {
    // BERT's layout by BERT's file, with names from the caller.
    let bert = tempfile::tempdir().unwrap();
    let file = folder("tokenizer.json");
    fs::copy(file, bert.path().join("tokenizer.json")).unwrap();
    let tokenizer = PairTokenizer::from_dir(bert.path(), PairTokenizerConfig::default()).unwrap();
    assert_eq!(tokenizer.template(), PairTemplate::Bert);

    // Without one, the caller's.
    let none = edited("xlm-roberta", |json| {
        json["post_processor"] = serde_json::Value::Null
    });
    for template in [PairTemplate::Bert, PairTemplate::Roberta] {
        let config = lengths(64, 96).with_template(template);
        let tokenizer = PairTokenizer::from_dir(none.path(), config).unwrap();
        assert_eq!(tokenizer.template(), template);
    }

    let odd = edited("xlm-roberta", |json| {
        json["post_processor"]["pair"]
            .as_array_mut()
            .unwrap()
            .remove(0);
    });
    let error = PairTokenizer::from_dir(odd.path(), lengths(64, 96)).unwrap_err();
    assert!(matches!(
        error,
        PairTokenizerError::UnsupportedTemplate { .. }
    ));
    assert!(
        error
            .to_string()
            .contains("pairs are text:0 </s>:0 </s>:0 text:0 </s>:0; allowed: BERT's"),
        "{error}"
    );
}
