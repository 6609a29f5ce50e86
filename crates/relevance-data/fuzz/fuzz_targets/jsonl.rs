//! Any bytes as JSON Lines: tables, training records, and annotations.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relevance_data::sources::TableFormat;
use relevance_data::{
    ColumnMap, DataError, JsonlReader, KtoExample, LabelSchema, MessagesExample, PairSource,
    PreferencePair, RowPolicy, SourceConfig,
};
use std::io::Cursor;

fn records<T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(
    data: &[u8],
) {
    let mut lines = 0;
    for record in JsonlReader::<T>::from_reader(Cursor::new(data.to_vec()), "fuzz") {
        lines += 1;
        let Ok(record) = record else { continue };
        let text = serde_json::to_string(&record).expect("a record that was read can be written");
        assert_eq!(
            serde_json::from_str::<T>(&text).expect("and read again"),
            record
        );
    }
    assert!(lines <= data.split(|byte| *byte == b'\n').count());
}

fuzz_target!(|data: &[u8]| {
    records::<PreferencePair>(data);
    records::<KtoExample>(data);
    records::<MessagesExample>(data);
    let columns = ColumnMap::new("query.text", "title").with_label("label");
    let config = SourceConfig::new(columns)
        .with_format(TableFormat::Jsonl)
        .with_policy(RowPolicy::Skip);
    let source = PairSource::from_reader(
        Cursor::new(data.to_vec()),
        "fuzz",
        &config,
        &LabelSchema::esci(),
    );
    let Ok(mut source) = source else { return };
    let mut read = 0;
    for pair in source.by_ref() {
        match pair {
            Ok(pair) => {
                read += 1;
                assert!(!pair.pair.query.text.trim().is_empty() && pair.label.is_some());
            }
            Err(error) => assert!(matches!(error, DataError::Io { .. }), "{error}"),
        }
    }
    assert_eq!(source.report().read, read);
});
