//! TRL's records in every form and format: what is written comes back, and every fault is named or counted.

#![cfg(all(feature = "tables", feature = "parquet"))]

use proptest::collection::vec;
use proptest::prelude::*;
use relevance_data::{
    Conversation, DataError, KtoExample, Message, MessagesExample, PreferencePair, RowFault,
    RowPolicy, SftExample, TextExample, TrlColumn, TrlRecord, TrlSource, write_trl,
};
use std::fmt::Debug;
use std::path::Path;

fn read<T: TrlRecord>(path: &Path) -> Result<Vec<T>, DataError> {
    TrlSource::open(path, RowPolicy::Fail)?.collect()
}

fn comes_back<T: TrlRecord + PartialEq + Debug>(records: &[T]) {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "r.jsonl",
        "r.jsonl.gz",
        "r.ndjson.zst",
        "r.parquet",
        "r.parquet.gz",
        "r.parquet.zst",
    ] {
        let path = dir.path().join(name);
        write_trl(&path, records).unwrap();
        assert_eq!(read::<T>(&path).unwrap(), records, "{name}");
    }
}

fn text() -> impl Strategy<Value = String> {
    any::<Vec<char>>().prop_map(|chars| chars.into_iter().take(12).collect())
}

fn turns() -> impl Strategy<Value = Conversation> {
    vec(
        (text(), text()).prop_map(|(role, content)| Message { role, content }),
        0..3,
    )
}

fn score() -> impl Strategy<Value = Option<f64>> {
    proptest::option::of(proptest::num::f64::NORMAL | proptest::num::f64::ZERO)
}

fn preference<T: Debug>(
    text: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = PreferencePair<T>> {
    (text.clone(), text.clone(), text, score(), score()).prop_map(
        |(prompt, chosen, rejected, score_chosen, score_rejected)| PreferencePair {
            prompt,
            chosen,
            rejected,
            score_chosen,
            score_rejected,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_and_messages_come_back(texts in vec(text(), 0..6), talks in vec(turns(), 0..6)) {
        let texts: Vec<_> = texts.into_iter().map(|text| TextExample { text }).collect();
        comes_back(&texts);
        let talks: Vec<_> = talks.into_iter().map(|messages| MessagesExample { messages }).collect();
        comes_back(&talks);
    }

    #[test]
    fn completions_come_back(rows in vec((text(), text(), turns(), turns(), any::<bool>()), 0..6)) {
        let sft = |(prompt, completion, ..): &(String, String, _, _, _)| SftExample {
            prompt: prompt.clone(),
            completion: completion.clone(),
        };
        comes_back(&rows.iter().map(sft).collect::<Vec<_>>());
        let kto = |(prompt, completion, _, _, label): &(String, String, _, _, bool)| KtoExample {
            prompt: prompt.clone(),
            completion: completion.clone(),
            label: *label,
        };
        comes_back(&rows.iter().map(kto).collect::<Vec<_>>());
        let talk = |(_, _, prompt, completion, label): &(_, _, Conversation, Conversation, bool)| KtoExample {
            prompt: prompt.clone(),
            completion: completion.clone(),
            label: *label,
        };
        let talks: Vec<_> = rows.iter().map(talk).collect();
        comes_back(&talks);
        let sft = |row: KtoExample<Conversation>| SftExample { prompt: row.prompt, completion: row.completion };
        comes_back(&talks.into_iter().map(sft).collect::<Vec<_>>());
    }

    #[test]
    fn preferences_come_back(
        rows in vec(preference(text().boxed()), 0..6),
        talks in vec(preference(turns().boxed()), 0..6),
    ) {
        comes_back(&rows);
        comes_back(&talks);
    }

    #[test]
    fn skipped_records_are_as_many_as_are_faulty(faults in vec(0_usize..4, 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let line = |fault: &usize| match fault {
            0 => r#"{"prompt": "p", "completion": "", "label": true, "more": 1}"#,
            1 => r#"{"prompt": "p", "completion": "c", "label": 1}"#,
            2 => r#"{"prompt": "p", "label": true}"#,
            _ => r#"["p"]"#,
        };
        let text: Vec<&str> = faults.iter().map(line).collect();
        let path = dir.path().join("kto.jsonl");
        std::fs::write(&path, text.join("\n")).unwrap();
        let mut source = TrlSource::<KtoExample>::open(&path, RowPolicy::Skip).unwrap();
        prop_assert!(source.by_ref().all(|record| record.is_ok()));
        let count = |wanted: usize| faults.iter().filter(|fault| **fault == wanted).count();
        let report = source.report();
        prop_assert_eq!(report.read, count(0));
        for (fault, kind) in [(1, RowFault::ValueType), (2, RowFault::MissingValue), (3, RowFault::BadJson)] {
            prop_assert_eq!(report.skipped.get(&kind).copied().unwrap_or(0), count(fault));
        }
    }
}

#[test]
fn a_fault_names_file_place_column_and_value() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |contents: &str| {
        let path = dir.path().join("r.jsonl");
        std::fs::write(&path, contents).unwrap();
        let message = read::<SftExample<Conversation>>(&path)
            .unwrap_err()
            .to_string();
        let message = message.strip_prefix(&format!("{}: ", path.display()));
        message.expect("the file comes first").to_owned()
    };
    assert_eq!(
        refused("\n{\"prompt\": \"p\", \"completion\": []}"),
        r#"line 2, column "prompt": "p"; allowed: a list of objects, each with the strings role and content"#
    );
    assert_eq!(
        refused(r#"{"prompt": [], "completion": [{"role": "user"}]}"#),
        r#"line 1, column "completion": [{"role":"user"}]; allowed: a list of objects, each with the strings role and content"#
    );
    let path = dir.path().join("r.parquet");
    write_trl(&path, &[TextExample::default()]).unwrap();
    let error = read::<SftExample>(&path).unwrap_err().to_string();
    assert!(
        error.ends_with(r#"no column "prompt"; there are: text"#),
        "{error}"
    );
    let error = write_trl(dir.path().join("r.csv"), &[TextExample::default()]).unwrap_err();
    assert!(error.to_string().contains("allowed: .jsonl"), "{error}");
    assert!(!dir.path().join("r.csv").exists());
}

#[test]
fn a_fault_in_parquet_names_row_and_row_group() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.parquet");
    let rows: Vec<_> = (0..3000)
        .map(|i| TextExample {
            text: i.to_string(),
        })
        .collect();
    write_trl(&path, &rows).unwrap();
    assert_eq!(read::<TextExample>(&path).unwrap(), rows);
    let flags = KtoExample {
        prompt: Conversation::new(),
        completion: Conversation::new(),
        label: true,
    };
    write_trl(&path, &[flags]).unwrap();
    let error = read::<KtoExample>(&path).unwrap_err().to_string();
    assert!(
        error.ends_with(r#"row 0 (row group 0), column "prompt": []; allowed: a string"#),
        "{error}"
    );
}

/// Preferences as most datasets have them.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Unscored {
    prompt: String,
    chosen: String,
    rejected: String,
}

impl TrlRecord for Unscored {
    const COLUMNS: &'static [(&'static str, TrlColumn)] = &[
        ("prompt", TrlColumn::Text),
        ("chosen", TrlColumn::Text),
        ("rejected", TrlColumn::Text),
    ];
}

#[test]
fn preferences_without_columns_for_scores_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["r.jsonl", "r.parquet", "r.parquet.zst"] {
        let path = dir.path().join(name);
        let record = Unscored {
            prompt: "p".into(),
            chosen: "c".into(),
            rejected: "r".into(),
        };
        write_trl(&path, [&record]).unwrap();
        let found: Vec<PreferencePair> = read(&path).unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!((&*found[0].chosen, found[0].score_chosen), ("c", None));
    }
}
