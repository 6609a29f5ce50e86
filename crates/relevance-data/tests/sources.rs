//! Tables in every format: what is written comes back, and every fault is named or counted.

#![cfg(all(feature = "tables", feature = "parquet"))]

use proptest::collection::vec;
use proptest::prelude::*;
use relevance_data::sources::{Packing, wands, write_pairs, write_wands};
use relevance_data::{
    ColumnMap, DataError, Item, KtoExample, LabelSchema, LabeledPair, Message, MessagesExample,
    Pair, PairSource, Query, RowFault, RowPolicy, SourceConfig, read_jsonl, write_jsonl,
};
use std::path::Path;

const NAMES: [&str; 12] = [
    "p.csv",
    "p.tsv",
    "p.jsonl",
    "p.csv.gz",
    "p.tsv.gz",
    "p.jsonl.gz",
    "p.csv.zst",
    "p.tsv.zst",
    "p.jsonl.zst",
    "p.parquet",
    "p.parquet.gz",
    "p.parquet.zst",
];

fn read(path: &Path, config: &SourceConfig) -> Result<Vec<LabeledPair>, DataError> {
    let source = PairSource::open(path, config, &LabelSchema::esci())?;
    source
        .map(|pair| Ok(pair?.labeled().expect("a label column")))
        .collect()
}

fn write_file(dir: &Path, name: &str, contents: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, contents).unwrap();
    path
}

fn labeled() -> impl Strategy<Value = LabeledPair> {
    let text = "(?s)[ -~\t\n\r\"',;éß日本\u{1F600}]{0,12}";
    let shown = "[a-zé日\"',\t\n]{0,4}[a-z]";
    (
        shown,
        shown,
        text,
        text,
        "[a-z0-9]{0,4}",
        "[a-z]{0,2}",
        0_usize..4,
    )
        .prop_map(
            |(query, title, description, brand, id, locale, label)| LabeledPair {
                pair: Pair {
                    query: Query {
                        id: id.clone(),
                        text: query,
                        locale: locale.clone(),
                    },
                    item: Item {
                        id,
                        title,
                        description,
                        brand,
                        locale,
                        ..Item::default()
                    },
                },
                label: LabelSchema::esci().label(label).unwrap(),
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pairs_come_back_from_every_format(pairs in vec(labeled(), 0..12)) {
        let dir = tempfile::tempdir().unwrap();
        for name in NAMES {
            let path = dir.path().join(name);
            write_pairs(&path, &pairs, &LabelSchema::esci()).unwrap();
            prop_assert_eq!(&read(&path, &SourceConfig::default()).unwrap(), &pairs, "{}", name);
        }
    }

    #[test]
    fn skipped_rows_are_as_many_as_are_faulty(faults in vec(0_usize..4, 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let line = |fault: &usize| match fault {
            0 => r#"{"query": "q", "title": "t", "label": "E"}"#,
            1 => r#"{"query": "q", "title": "t", "label": "Q"}"#,
            2 => r#"{"query": "", "title": "t", "label": "E"}"#,
            _ => r#"{"query": "q""#,
        };
        let text: Vec<&str> = faults.iter().map(line).collect();
        let path = write_file(dir.path(), "p.jsonl", text.join("\n"));
        let config = SourceConfig::new(labelled_columns()).with_policy(RowPolicy::Skip);
        let mut source = PairSource::open(&path, &config, &LabelSchema::esci()).unwrap();
        prop_assert!(source.by_ref().all(|pair| pair.is_ok()));
        let count = |wanted: usize| faults.iter().filter(|fault| **fault == wanted).count();
        let report = source.report();
        prop_assert_eq!(report.read, count(0));
        for (fault, kind) in [(1, RowFault::UnknownLabel), (2, RowFault::MissingValue), (3, RowFault::BadJson)] {
            prop_assert_eq!(report.skipped.get(&kind).copied().unwrap_or(0), count(fault));
        }
        prop_assert_eq!(report.num_skipped(), faults.len() - count(0));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["p.csv", "p.tsv", "p.jsonl", "p.parquet"] {
            let path = write_file(dir.path(), name, &bytes);
            for policy in [RowPolicy::Fail, RowPolicy::Skip] {
                let config = SourceConfig::default().with_policy(policy);
                if let Ok(source) = PairSource::open(&path, &config, &LabelSchema::esci()) {
                    let _ = source.count();
                }
            }
        }
    }
}

fn labelled_columns() -> ColumnMap {
    ColumnMap::new("query", "title").with_label("label")
}

#[test]
fn a_fault_names_file_place_column_and_value() {
    let dir = tempfile::tempdir().unwrap();
    let config = SourceConfig::new(labelled_columns());
    let refused = |name: &str, contents: &[u8]| {
        let path = write_file(dir.path(), name, contents);
        let message = read(&path, &config).unwrap_err().to_string();
        let message = message.strip_prefix(&format!("{}: ", path.display()));
        message.expect("the file comes first").to_owned()
    };
    let header = "query,title,label\n";
    let csv = |rows: &str| refused("p.csv", format!("{header}{rows}").as_bytes());
    assert_eq!(
        csv("q,t,E\nq,t,Z\n"),
        r#"line 3, column "label": unknown label "Z"; allowed: Exact (E), Substitute (S), Complement (C), Irrelevant (I)"#
    );
    assert_eq!(
        csv("q,,E\n"),
        r#"line 2, column "title": empty; a text is needed"#
    );
    assert_eq!(csv("q,t\n"), "line 2: 2 fields; 3 columns are declared");
    let bad = [header.as_bytes(), b"q,\xFF,E\n"].concat();
    assert_eq!(
        refused("p.csv", &bad),
        "line 2, column \"title\": \"\u{FFFD}\" is not UTF-8"
    );
    assert_eq!(
        refused("p.csv", b"query,name,label\n"),
        r#"no column "title"; there are: query, name, label"#
    );
    assert_eq!(
        refused("p.csv", b""),
        r#"no column "query"; there are: none, the file is empty"#
    );
    assert_eq!(
        refused("p.csv", b"PK\x03\x04,\xFF\n"),
        "no column \"query\"; there are: PK\\u{3}\\u{4}, \u{FFFD}"
    );
    let line = "{\"query\": \"q\", \"title\": \"t\", \"label\": \"E\"}\n".repeat(6);
    assert_eq!(
        refused("p.jsonl", format!("{line}{{\"query\": \"q\"").as_bytes()),
        "line 7: EOF while parsing an object (column 13)"
    );
    for (record, missing) in [
        (r#"{"label": "E", "q": "q", "title": "t"}"#, "query"),
        (r#"{"label": "E", "name": "t", "query": "q"}"#, "title"),
        (r#"{"grade": "E", "query": "q", "title": "t"}"#, "label"),
    ] {
        let message = refused("p.jsonl", record.as_bytes());
        let start = format!("line 1, column {missing:?}: missing; the line has: ");
        assert!(message.starts_with(&start), "{message}");
        assert_eq!(message[start.len()..].split(", ").count(), 3, "{message}");
    }
    assert_eq!(
        refused(
            "p.jsonl",
            br#"{"query": ["q"], "title": "t", "label": "E"}"#
        ),
        r#"line 1, column "query": an array; allowed: string, number, boolean, null"#
    );
    for name in ["d.csv", "d.jsonl", "d.parquet"] {
        let path = dir.path().join(name);
        std::fs::create_dir(&path).unwrap();
        let error = read(&path, &config).unwrap_err().to_string();
        let error = error.to_lowercase();
        assert!(error.contains("cannot read: is a directory"), "{error}");
    }
    let path = dir.path().join("p.txt");
    std::fs::write(&path, "").unwrap();
    assert!(
        read(&path, &config)
            .unwrap_err()
            .to_string()
            .contains("allowed: .csv, .tsv")
    );
}

#[test]
fn a_parquet_fault_names_row_and_row_group() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use std::sync::Arc;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.parquet");
    let queries: ArrayRef = Arc::new(StringArray::from(vec!["q"; 3000]));
    let titles = (0..3000).map(|row| if row == 2700 { None } else { Some("t") });
    let titles: ArrayRef = Arc::new(StringArray::from_iter(titles));
    let grades = (0..3000).map(|row| Some(if row == 2500 { 7 } else { row % 2 }));
    let grades: ArrayRef = Arc::new(Int64Array::from_iter(grades));
    let columns = [("query", queries), ("title", titles), ("label", grades)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(400));
    let file = std::fs::File::create(&path).unwrap();
    let writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build()));
    let mut writer = writer.unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let open = |policy| {
        let columns = labelled_columns();
        let config = SourceConfig::new(columns).with_policy(policy);
        PairSource::open(&path, &config, &LabelSchema::binary()).unwrap()
    };
    let label = r#"row 2500 (row group 6), column "label": unknown label "7"; allowed: Relevant (1), Irrelevant (0)"#;
    let error = open(RowPolicy::Fail).find_map(Result::err).unwrap();
    assert!(error.to_string().ends_with(label), "{error}");

    let mut skipping = open(RowPolicy::Skip);
    assert_eq!(skipping.by_ref().filter(Result::is_ok).count(), 2998);
    let report = skipping.report();
    let kinds = [(RowFault::MissingValue, 1), (RowFault::UnknownLabel, 1)];
    assert_eq!(report.skipped, kinds.into());
    let title = r#"row 2700 (row group 6), column "title": empty; a text is needed"#;
    assert!(report.examples[&RowFault::MissingValue][0].ends_with(title));
    assert!(report.examples[&RowFault::UnknownLabel][0].ends_with(label));
}

#[test]
fn an_item_without_a_title_is_read_if_it_has_another_text() {
    let dir = tempfile::tempdir().unwrap();
    let text = "query,title,brand,label\nq,,Acme,E\nq, ,,E\n";
    let path = write_file(dir.path(), "p.csv", text);
    let config = SourceConfig::new(labelled_columns().with_brand("brand"));
    let mut source = PairSource::open(&path, &config, &LabelSchema::esci()).unwrap();
    let first = source.next().unwrap().unwrap();
    assert_eq!(first.pair.item.text(), "Acme");
    let error = source.next().unwrap().unwrap_err().to_string();
    let place = r#"line 3, column "title": empty; a text is needed"#;
    assert!(error.ends_with(place), "{error}");
}

#[test]
fn a_truncated_stream_fails_whatever_the_policy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.csv.gz");
    let pair = LabeledPair {
        pair: Pair {
            query: Query::new("", "q"),
            item: Item::new("", "t"),
        },
        label: LabelSchema::esci().label(0).unwrap(),
    };
    write_pairs(&path, &vec![pair; 500], &LabelSchema::esci()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let config = SourceConfig::default().with_policy(RowPolicy::Skip);
    let error = match PairSource::open(&path, &config, &LabelSchema::esci()) {
        Err(error) => error,
        Ok(source) => source.last().unwrap().unwrap_err(),
    };
    assert!(
        error.to_string().contains("p.csv.gz: cannot read"),
        "{error}"
    );
}

#[test]
fn several_gzip_members_are_one_file_and_nested_json_is_reached() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let line = |query: &str| {
        format!(
            "{{\"query\": {{\"text\": \"{query}\"}}, \"item\": {{\"title\": \"t\"}}, \"label\": \"E\"}}\n"
        )
    };
    let mut bytes = Vec::new();
    for query in ["a", "b"] {
        let mut member = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::fast());
        member.write_all(line(query).as_bytes()).unwrap();
        member.finish().unwrap();
    }
    let path = write_file(dir.path(), "p.jsonl.gz", bytes);
    let config = SourceConfig::new(ColumnMap::new("query.text", "item.title").with_label("label"));
    let pairs = read(&path, &config).unwrap();
    let queries: Vec<&str> = pairs.iter().map(|p| p.pair.query.text.as_str()).collect();
    assert_eq!(queries, ["a", "b"]);
}

#[test]
fn wands_is_joined_and_its_faults_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_file(
        dir,
        "query.csv",
        "query_id\tquery\tquery_class\n0\tsalon chair\tMassage Chairs\n",
    );
    write_file(
        dir,
        "product.csv",
        "product_id\tproduct_name\tproduct_class\tcategory hierarchy\tproduct_description\tproduct_features\trating_count\taverage_rating\treview_count\n\
         7\t\"swivel \"\"pro\"\" chair\"\tChairs\tFurniture\tturns\tcolor:red\t1.0\t4.5\t1.0\n",
    );
    write_file(
        dir,
        "label.csv",
        "id\tquery_id\tproduct_id\tlabel\n0\t0\t7\tPartial\n1\t0\t8\tExact\n2\t0\t7\tGood\n3\t0\t7\tExact\n",
    );
    let schema = LabelSchema::wands();
    let mut source = wands(dir, &schema, RowPolicy::Skip).unwrap();
    let pairs: Vec<_> = source.by_ref().map(Result::unwrap).collect();
    assert_eq!(pairs.len(), 2);
    assert_eq!(pairs[0].pair.item.title, "swivel \"pro\" chair");
    assert_eq!(pairs[0].pair.item.bullet_points, "Chairs\ncolor:red");
    assert_eq!(pairs[0].pair.query.text, "salon chair");
    assert_eq!(schema.gain(pairs[0].label.unwrap()), 0.5);
    let skipped = &source.report().skipped;
    assert_eq!(skipped[&RowFault::MissingReference], 1);
    assert_eq!(skipped[&RowFault::UnknownLabel], 1);
    let error = wands(dir, &schema, RowPolicy::Fail)
        .unwrap()
        .find_map(Result::err);
    let error = error.unwrap().to_string();
    assert!(
        error.ends_with(r#"label.csv: line 3, column "product_id": "8" is not in product.csv"#),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wands_comes_back(
        rows in vec((0_usize..4, 0_usize..5, 0_usize..3), 0..30),
        texts in vec("[ -~\t\n\r\"éß日]{0,8}[a-z]", 4..5),
        packing in prop::sample::select(vec![Packing::Plain, Packing::Gzip, Packing::Zstd]),
    ) {
        let schema = LabelSchema::wands();
        let pair = |(query, item, label): &(usize, usize, usize)| LabeledPair {
            pair: Pair {
                query: Query::new(query.to_string(), &texts[*query]),
                item: Item {
                    description: texts[*item % 4].repeat(*item),
                    bullet_points: texts[(*item + 1) % 4].repeat(*item / 2),
                    ..Item::new(format!("p{item}"), &texts[*item % 4])
                },
            },
            label: schema.label(*label).unwrap(),
        };
        let pairs: Vec<LabeledPair> = rows.iter().map(pair).collect();
        let dir = tempfile::tempdir().unwrap();
        write_wands(dir.path(), &pairs, &schema, packing).unwrap();
        let found = wands(dir.path(), &schema, RowPolicy::Fail).unwrap();
        let found: Vec<LabeledPair> = found.map(|pair| pair.unwrap().labeled().unwrap()).collect();
        prop_assert_eq!(found, pairs);
    }
}

#[test]
fn what_wands_cannot_hold_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let schema = LabelSchema::wands();
    let good = LabeledPair {
        pair: Pair {
            query: Query::new("1", "q"),
            item: Item::new("2", "t"),
        },
        label: schema.label(0).unwrap(),
    };
    let refused = |change: fn(&mut Pair)| {
        let mut bad = good.clone();
        change(&mut bad.pair);
        let pairs = [&good, &bad];
        let error = write_wands(dir.path(), pairs, &schema, Packing::Plain).unwrap_err();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        error.to_string()
    };
    for (message, field) in [
        (refused(|pair| pair.query.id.clear()), "query.id"),
        (refused(|pair| pair.query.text.push('!')), "query.id"),
        (refused(|pair| pair.item.title.push('!')), "item.id"),
        (refused(|pair| pair.item.brand.push('!')), "item.brand"),
        (refused(|pair| pair.query.locale.push('!')), "query.locale"),
    ] {
        let place = format!("row 1: field \"{field}\"");
        assert!(message.contains(&place), "{message}");
    }
}

#[test]
fn trl_rows_come_back_compressed_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kto.jsonl");
    let rows = [KtoExample {
        prompt: "p".into(),
        completion: "c".into(),
        label: true,
    }];
    write_jsonl(&path, &rows).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "{\"prompt\":\"p\",\"completion\":\"c\",\"label\":true}\n"
    );
    let packed = zstd::encode_all(std::fs::File::open(&path).unwrap(), 0).unwrap();
    let packed = write_file(dir.path(), "kto.jsonl.zst", packed);
    assert_eq!(read_jsonl::<KtoExample>(&packed).unwrap(), rows);
    let chat = r#"{"messages": [{"role": "user", "content": "hi"}]}"#;
    let path = write_file(dir.path(), "chat.jsonl", chat);
    let rows: Vec<MessagesExample> = read_jsonl(&path).unwrap();
    let first = Message {
        role: "user".into(),
        content: "hi".into(),
    };
    assert_eq!(rows[0].messages, [first]);
}

#[test]
fn a_quote_that_is_never_closed_fails_whatever_the_policy() {
    let dir = tempfile::tempdir().unwrap();
    let config = SourceConfig::new(labelled_columns()).with_policy(RowPolicy::Skip);
    let text = "query,title,label\nq,t,E\nq,\"t,E\nq,t,E\n";
    let path = write_file(dir.path(), "p.csv", text);
    let mut source = PairSource::open(&path, &config, &LabelSchema::esci()).unwrap();
    assert!(source.next().unwrap().is_ok());
    let error = source.next().unwrap().unwrap_err().to_string();
    assert!(
        error.ends_with("the record of line 3 has a quote that is never closed"),
        "{error}"
    );
    assert!(source.next().is_none());
    assert_eq!(source.report().num_skipped(), 0);
}

#[test]
fn names_tell_the_compression_of_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let rows = vec![Message::default(); 3];
    for (name, magic) in [
        ("a.jsonl.gz", &[0x1f, 0x8b][..]),
        ("a.jsonl.zst", &[0x28, 0xb5]),
    ] {
        let path = dir.path().join(name);
        write_jsonl(&path, &rows).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(magic));
        assert_eq!(read_jsonl::<Message>(&path).unwrap(), rows);
    }
    let schema = LabelSchema::esci();
    let error = write_pairs(dir.path().join("p.xlsx"), &[], &schema).unwrap_err();
    assert!(matches!(error, DataError::InvalidConfig { .. }), "{error}");
}

#[test]
fn a_stream_that_breaks_ends_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl.gz");
    write_jsonl(&path, vec![Message::default(); 2000]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 12]).unwrap();
    let reader = relevance_data::JsonlReader::<Message>::open(&path).unwrap();
    let faults = reader.take(5000).filter(Result::is_err).count();
    assert_eq!(faults, 1, "the iterator goes on after a broken stream");
}

/// A stream made as it is read, which tells how much was taken and never ends before `left` bytes.
struct Endless {
    piece: Vec<u8>,
    at: usize,
    left: usize,
    taken: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.piece.len() - self.at).min(self.left);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at = (self.at + count) % self.piece.len();
        self.left -= count;
        self.taken
            .fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        Ok(count)
    }
}

fn endless(piece: Vec<u8>, left: usize) -> (Endless, impl Fn() -> usize) {
    let taken = std::sync::Arc::default();
    let counter = std::sync::Arc::clone(&taken);
    let stream = Endless {
        piece,
        at: 0,
        left,
        taken,
    };
    (stream, move || {
        counter.load(std::sync::atomic::Ordering::Relaxed)
    })
}

#[test]
fn a_source_never_reads_far_ahead_of_what_it_gives_out() {
    use std::io::Write;
    const ROWS: usize = 500; // of one piece
    const PIECES: usize = 400;
    let row = |tab: char| format!("q{tab}{}{tab}E\n", "t".repeat(200));
    for name in ["p.tsv", "p.jsonl", "p.tsv.gz", "p.jsonl.gz"] {
        let line = if name.contains("tsv") {
            row('\t')
        } else {
            format!(
                "{{\"query\": \"q\", \"title\": \"{}\", \"label\": \"E\"}}\n",
                "t".repeat(200)
            )
        };
        let mut piece = line.repeat(ROWS).into_bytes();
        // A header line of its own would be a row of every piece: the columns are named by a first one.
        let mut head = if name.contains("tsv") {
            b"query\ttitle\tlabel\n".to_vec()
        } else {
            b"\n".to_vec()
        };
        if name.ends_with(".gz") {
            for bytes in [&mut piece, &mut head] {
                let mut member = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
                member.write_all(bytes).unwrap();
                *bytes = member.finish().unwrap();
            }
        }
        let size = piece.len();
        let (stream, taken) = endless(piece, size * PIECES);
        let stream = std::io::Read::chain(std::io::Cursor::new(head), stream);
        let config = SourceConfig::new(labelled_columns());
        let source = PairSource::from_reader(stream, name, &config, &LabelSchema::esci()).unwrap();
        let mut rows = 0;
        for pair in source {
            pair.unwrap();
            rows += 1;
            let given = rows * size / ROWS;
            assert!(
                taken() < given + size + 100_000,
                "{name}: {} taken at row {rows}",
                taken()
            );
        }
        assert_eq!(rows, ROWS * PIECES, "{name}");
    }
}

#[test]
fn a_record_without_an_end_does_not_fill_the_memory() {
    const GIB: usize = 1 << 30;
    for (name, piece) in [
        ("p.csv", &b"x,\"y\n"[..]),
        ("p.jsonl", b"{\"query\": \"\\\\ "),
    ] {
        let (stream, taken) = endless(b"x".repeat(1 << 16), GIB);
        let mut head = b"query,title,label\n".to_vec();
        if name == "p.jsonl" {
            head.clear();
        }
        head.extend_from_slice(piece);
        let stream = std::io::Read::chain(std::io::Cursor::new(head), stream);
        let config = SourceConfig::new(labelled_columns()).with_policy(RowPolicy::Skip);
        let mut source =
            PairSource::from_reader(stream, name, &config, &LabelSchema::esci()).unwrap();
        let error = source.next().unwrap().unwrap_err().to_string();
        assert!(
            error.contains("more than 67108864 bytes"),
            "{name}: {error}"
        );
        assert!(source.next().is_none());
        assert!(taken() < 66 << 20, "{name}: {}", taken());
    }
}
