//! The examples of `docs/DATA.md` are what the crate reads and writes.

#![cfg(all(feature = "tables", feature = "parquet"))]

use relevance_data::cleaning::CleanConfig;
use relevance_data::sources::wands;
use relevance_data::{
    ColumnMap, Conversation, EsciDataset, EsciFilter, KtoExample, LabelSchema, MessagesExample,
    Pair, PairSource, PreferencePair, QuerySplit, RationaleWriter, ReplyFormat, ReplyOrder,
    RowPolicy, SftExample, SourceConfig, SourcePair, TextExample, TrlRecord, read_annotations,
    read_labeled_pairs,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

const GUIDE: &str = include_str!("../../../docs/DATA.md");

/// The text under a heading, up to the next one of the same or a higher rank.
fn section(heading: &str) -> &'static str {
    let title = format!("\n{heading}\n");
    let start = GUIDE.find(&title).unwrap_or_else(|| panic!("{heading}")) + title.len();
    let rank = heading.split(' ').next().unwrap().len();
    let is_next = |line: &str| {
        let marks = line.len() - line.trim_start_matches('#').len();
        (1..=rank).contains(&marks) && line[marks..].starts_with(' ')
    };
    let mut length = 0;
    for line in GUIDE[start..].split_inclusive('\n') {
        if is_next(line) {
            break;
        }
        length += line.len();
    }
    &GUIDE[start..start + length]
}

/// The fenced examples of a language under a heading.
fn examples(heading: &str, language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    let blocks = section(heading).split(&opening).skip(1);
    blocks
        .map(|block| block.split("\n```").next().unwrap())
        .collect()
}

fn parsed<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in {json}"))
}

fn file(dir: &Path, name: &str, contents: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, contents).unwrap();
    path
}

#[test]
fn the_schema_is_that_of_esci() {
    let schema: LabelSchema = parsed(examples("## Label schemas", "json")[0]);
    assert_eq!(schema, LabelSchema::esci());
}

#[test]
fn a_pair_with_a_label_is_a_labelled_pair() {
    let json = examples("### Queries, items and pairs", "json")[0];
    let pair: Pair = parsed(json);
    let labelled = format!(
        "{}, \"label\": \"Exact\"}}",
        json.strip_suffix('}').unwrap()
    );
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "p.jsonl", &labelled);
    let found = read_labeled_pairs(path, &LabelSchema::esci()).unwrap();
    assert_eq!((&found[0].pair, found[0].label.index()), (&pair, 0));
    assert_eq!(serde_json::to_string(&pair).unwrap(), compact(json));
}

/// JSON without spaces between its tokens, as it is written.
fn compact(json: &str) -> String {
    json.replace("\": ", "\":")
        .replace(", \"", ",\"")
        .replace("}, {", "},{")
}

#[test]
fn three_tables_hold_the_same_pair() {
    let heading = "### Tables";
    let json = examples(heading, "json");
    let columns: ColumnMap = parsed(json[0]);
    let config = SourceConfig::new(columns);
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str, contents: &str| -> Vec<SourcePair> {
        let path = file(dir.path(), name, contents);
        let source = PairSource::open(path, &config, &LabelSchema::esci()).unwrap();
        source.map(Result::unwrap).collect()
    };
    let csv = examples(heading, "csv")[0];
    let first = read("p.csv", csv);
    assert_eq!(first[0].pair.item.title, "USB-C cable, 2 m");
    assert_eq!(first[0].split.as_deref(), Some("train"));
    for (name, contents) in [
        ("p.tsv", examples(heading, "text")[0]),
        ("p.jsonl", json[1]),
    ] {
        let found = read(name, contents);
        assert_eq!(
            (&found[0].pair, found[0].label),
            (&first[0].pair, first[0].label)
        );
        assert_eq!((found.len(), &found[0].split), (1, &first[0].split));
    }
    let bad = csv.to_owned() + "\nq,t,Z,,\n";
    let path = file(dir.path(), "judgments.csv", &bad);
    let source = PairSource::open(path, &config, &LabelSchema::esci()).unwrap();
    let error = source.filter_map(Result::err).next().unwrap().to_string();
    assert!(error.ends_with(examples(heading, "text")[1]), "{error}");
}

#[test]
fn the_three_files_of_wands_are_read() {
    let dir = tempfile::tempdir().unwrap();
    // Each name stands before its file's first line; the second line is set in.
    let lines: Vec<&str> = examples("### WANDS", "text")[0].lines().collect();
    for both in lines.chunks(2) {
        let (name, header) = both[0].split_once(' ').unwrap();
        file(
            dir.path(),
            name,
            &format!("{}\n{}\n", header.trim_start(), both[1].trim_start()),
        );
    }
    let schema = LabelSchema::wands();
    let pairs: Vec<_> = wands(dir.path(), &schema, RowPolicy::Fail)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0].pair.query.text, "salon chair");
    let points = "Chairs\ncolor:red|material:steel";
    assert_eq!(pairs[0].pair.item.bullet_points, points);
    assert_eq!(schema.name(pairs[0].label.unwrap()), "Partial");
}

#[test]
fn every_row_of_trl_s_table_is_a_record() {
    fn is<T: TrlRecord + Serialize>(row: &str) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let json = cells[2].trim().trim_matches('`');
        let record: T = parsed(json);
        assert_eq!(serde_json::to_string(&record).unwrap(), compact(json));
        let columns = cells[1]
            .split(", ")
            .map(|name| name.trim().trim_matches('`'));
        let needed = T::COLUMNS
            .iter()
            .filter(|(_, column)| !column.is_optional());
        assert!(columns.eq(needed.map(|(name, _)| *name)), "{row}");
    }
    let rows: Vec<&str> = section("### TRL's datasets")
        .lines()
        .filter(|line| line.contains('{'))
        .collect();
    assert_eq!(rows.len(), 5);
    is::<TextExample>(rows[0]);
    is::<MessagesExample>(rows[1]);
    is::<SftExample>(rows[2]);
    is::<PreferencePair>(rows[3]);
    is::<KtoExample>(rows[4]);
    assert_eq!(<SftExample<Conversation>>::COLUMNS.len(), 2);
}

#[test]
fn settings_are_what_they_are_said_to_be() {
    let clean: CleanConfig = parsed(examples("## Cleaning", "json")[0]);
    assert_eq!(clean, CleanConfig::default());
    let split: QuerySplit = parsed(examples("## Splits", "json")[0]);
    assert_eq!(split, QuerySplit::new(vec![0.8, 0.1, 0.1], 42).unwrap());
    let command = examples("## Prepared data", "sh")[0];
    let columns = command.split('\'').nth(1).unwrap();
    assert_eq!(parsed::<ColumnMap>(columns).title, "name");
}

#[test]
fn the_annotation_and_the_reply_are_read() {
    let (dir, schema) = (tempfile::tempdir().unwrap(), LabelSchema::esci());
    let annotation = examples("## Annotations", "json")[0];
    let path = file(dir.path(), "a.jsonl", annotation);
    let found = read_annotations(path, &schema).unwrap();
    assert_eq!((found[0].confidence, found[0].provenance.votes), (0.75, 3));

    let reply = examples("## Replies and rationales", "text")[0];
    let format = ReplyFormat::new(ReplyOrder::ReasonThenLabel);
    let reply = format.parse(reply, &schema).unwrap();
    assert_eq!(schema.name(reply.verdict), "Exact");
    assert!(
        ReplyFormat::new(ReplyOrder::LabelThenReason)
            .parse(annotation, &schema)
            .is_err()
    );
}

#[test]
fn the_writer_wrote_its_example_for_a_pair_of_the_sample() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let pairs = EsciDataset::open(folder)
        .unwrap()
        .stream(&EsciFilter::default())
        .unwrap();
    let writer = RationaleWriter::new(LabelSchema::esci());
    let wanted = examples("### The deterministic writer", "text")[0];
    let mut reasons = pairs.map(|pair| writer.write(&pair.unwrap()));
    assert!(reasons.any(|reason| reason.as_str() == wanted));
}
