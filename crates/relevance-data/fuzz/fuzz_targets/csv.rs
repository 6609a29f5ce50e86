//! Any bytes as CSV and TSV, plain or compressed: pairs or typed errors, and counts that add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relevance_data::sources::TableFormat;
use relevance_data::{ColumnMap, DataError, LabelSchema, PairSource, RowPolicy, SourceConfig};
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let format = if choice & 1 == 0 {
        TableFormat::Csv
    } else {
        TableFormat::Tsv
    };
    // Half of the inputs get a header that fits, so that rows are reached soon.
    let mut table = Vec::new();
    if choice & 2 == 0 {
        let header: &[u8] = if choice & 1 == 0 {
            b"query,title,label\n"
        } else {
            b"query\ttitle\tlabel\n"
        };
        table.extend_from_slice(header);
    }
    table.extend_from_slice(rest);
    let schema = LabelSchema::esci();
    let open = |policy| {
        let columns = ColumnMap::new("query", "title").with_label("label");
        let config = SourceConfig::new(columns)
            .with_format(format)
            .with_policy(policy);
        PairSource::from_reader(Cursor::new(table.clone()), "fuzz", &config, &schema)
    };
    let Ok(mut skipping) = open(RowPolicy::Skip) else {
        assert!(open(RowPolicy::Fail).is_err());
        return;
    };
    let mut read = 0;
    for pair in skipping.by_ref() {
        match pair {
            Ok(pair) => {
                read += 1;
                assert!(!pair.pair.query.text.trim().is_empty());
                assert!(!pair.pair.item.title.trim().is_empty());
                assert!(pair.label.is_some());
            }
            Err(error) => assert!(matches!(error, DataError::Io { .. }), "{error}"),
        }
    }
    assert_eq!(skipping.report().read, read);
    let failing: Vec<_> = open(RowPolicy::Fail).expect("it opened before").collect();
    let errors = failing.iter().filter(|pair| pair.is_err()).count();
    assert!(errors <= 1 && failing.iter().rev().skip(1).all(Result::is_ok));
    if skipping.report().num_skipped() > 0 {
        assert_eq!(errors, 1);
    }
});
