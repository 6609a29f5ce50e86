//! JSON Lines files: what is written comes back, and what is wrong is named.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use relevance_data::{
    AnnotatedPair, DataError, Item, JsonlReader, Label, LabelSchema, LabeledPair, Pair,
    PreferencePair, Provenance, Query, Rationale, SftExample, read_annotations, read_jsonl,
    read_labeled_pairs, write_annotations, write_jsonl, write_labeled_pairs,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::path::PathBuf;

fn temporary() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.jsonl");
    (dir, path)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,30}",
        "[a-z\\n\\t\"\\\\ <>/]{0,30}",
        Just("<label>Exact</label>".to_owned())
    ]
}

fn item() -> impl Strategy<Value = Item> {
    (text(), text(), text(), text(), text(), text(), text()).prop_map(
        |(id, title, description, bullet_points, brand, color, locale)| Item {
            id,
            title,
            description,
            bullet_points,
            brand,
            color,
            locale,
        },
    )
}

fn pair() -> impl Strategy<Value = Pair> {
    (text(), text(), text(), item()).prop_map(|(id, text, locale, item)| Pair {
        query: Query { id, text, locale },
        item,
    })
}

fn label() -> impl Strategy<Value = Label> {
    (0_usize..4).prop_map(|index| LabelSchema::esci().label(index).unwrap())
}

fn annotation() -> impl Strategy<Value = AnnotatedPair> {
    (
        pair(),
        label(),
        text(),
        0.0_f32..=1.0,
        option::of(label()),
        option::of(Just(vec![0.5, 0.25, 0.25, 0.0])),
        text(),
        any::<(u32, u32, u32, u64)>(),
    )
        .prop_map(
            |(pair, label, reason, confidence, gold, probabilities, teacher, numbers)| {
                AnnotatedPair {
                    pair,
                    label,
                    rationale: Rationale::new(reason),
                    confidence,
                    gold,
                    probabilities,
                    provenance: Provenance {
                        teacher,
                        samples: numbers.0,
                        votes: numbers.1,
                        parse_failures: numbers.2,
                        seed: numbers.3,
                    },
                }
            },
        )
}

fn assert_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(records: &[T]) {
    let (_dir, path) = temporary();
    write_jsonl(&path, records).unwrap();
    assert_eq!(read_jsonl::<T>(&path).unwrap(), records);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn annotations_come_back(annotations in vec(annotation(), 0..5)) {
        let (schema, (_dir, path)) = (LabelSchema::esci(), temporary());
        write_annotations(&path, &annotations, &schema).unwrap();
        prop_assert_eq!(read_annotations(&path, &schema).unwrap(), annotations);
    }

    #[test]
    fn labelled_pairs_come_back(pairs in vec((pair(), label()), 0..5)) {
        let (schema, (_dir, path)) = (LabelSchema::esci(), temporary());
        let pairs: Vec<LabeledPair> =
            pairs.into_iter().map(|(pair, label)| LabeledPair { pair, label }).collect();
        write_labeled_pairs(&path, &pairs, &schema).unwrap();
        prop_assert_eq!(read_labeled_pairs(&path, &schema).unwrap(), pairs);
    }

    #[test]
    fn other_records_come_back(
        items in vec(item(), 0..4),
        texts in vec((text(), text(), text(), option::of(-4096..4096_i32)), 0..4),
    ) {
        assert_round_trip(&items);
        let preferences: Vec<PreferencePair> = texts
            .iter()
            .cloned()
            .map(|(prompt, chosen, rejected, score)| PreferencePair {
                prompt,
                chosen,
                rejected,
                // Short decimals: serde_json's default float parser is a last bit off on long ones.
                score_chosen: score.map(|score| f64::from(score) / 64.0),
                score_rejected: score.map(|score| f64::from(score) / 128.0),
            })
            .collect();
        assert_round_trip(&preferences);
        let examples: Vec<SftExample> = texts
            .into_iter()
            .map(|(prompt, completion, ..)| SftExample { prompt, completion })
            .collect();
        assert_round_trip(&examples);
    }
}

fn fault_of(lines: &str, read: impl Fn(&PathBuf) -> DataError) -> String {
    let (dir, path) = temporary();
    std::fs::write(&path, lines).unwrap();
    let prefix = format!("{}/", dir.path().display());
    read(&path).to_string().replace(&prefix, "")
}

#[test]
fn a_broken_line_is_named() {
    let read = |path: &PathBuf| read_jsonl::<SftExample>(path).unwrap_err();
    let good = r#"{"prompt": "p", "completion": "c"}"#;
    assert_eq!(
        fault_of(&format!("{good}\n\n{{\"prompt\": \"p\", \n"), read),
        "records.jsonl:3: EOF while parsing a value (column 15)"
    );
    assert_eq!(
        fault_of(&format!("{good}\n{{\"prompt\": \"p\"}}"), read),
        "records.jsonl:2: missing field `completion` (column 15)"
    );
    assert_eq!(
        fault_of("{\"prompt\": 3, \"completion\": \"c\"}", read),
        "records.jsonl:1: invalid type: integer `3`, expected a string (column 12)"
    );
    let (_dir, path) = temporary();
    assert!(matches!(read(&path), DataError::Io { action: "open", .. }));
    std::fs::write(&path, b"{\"prompt\": \"\xff\", \"completion\": \"c\"}").unwrap();
    assert!(matches!(read(&path), DataError::Json { line: 1, .. }));
}

#[test]
fn reading_goes_on_after_a_broken_line() {
    let (_dir, path) = temporary();
    let good = r#"{"prompt": "p", "completion": "c"}"#;
    std::fs::write(&path, format!("{good}\nnonsense\n{good}\r\n")).unwrap();
    let records: Vec<bool> = JsonlReader::<SftExample>::open(&path)
        .unwrap()
        .map(|r| r.is_ok())
        .collect();
    assert_eq!(records, [true, false, true]);
}

#[test]
fn an_unknown_label_is_named_with_its_line() {
    let record = |label: &str, gold: &str, confidence: f32| {
        format!(
            r#"{{"query": {{"text": "q"}}, "item": {{"title": "t"}}, "label": "{label}", "gold": {gold}, "rationale": "r", "confidence": {confidence}, "provenance": {{"teacher": "t", "samples": 1, "votes": 1, "parse_failures": 0, "seed": 0}}}}"#
        )
    };
    let read = |path: &PathBuf| read_annotations(path, &LabelSchema::esci()).unwrap_err();
    let good = record("E", "null", 1.0);
    let allowed = "allowed: Exact (E), Substitute (S), Complement (C), Irrelevant (I)";
    for bad in [record("Fine", "null", 1.0), record("E", "\"Fine\"", 1.0)] {
        assert_eq!(
            fault_of(&format!("{good}\n{bad}"), read),
            format!("records.jsonl: line 2: unknown label \"Fine\"; {allowed}")
        );
    }
    assert_eq!(
        fault_of(&record("E", "null", 1.5), read),
        "records.jsonl: line 1: field \"confidence\" = 1.5; allowed: 0 to 1"
    );
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    let (dir, path) = temporary();
    let error = write_jsonl(&path, [Refuses]).unwrap_err();
    assert!(matches!(error, DataError::Serialize { record: 1, .. }));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
