//! Every format with the texts that break formats: what is written comes back, and what was damaged on the
//! way is refused.

#![cfg(all(feature = "tables", feature = "parquet"))]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use relevance_data::esci::{EsciRecord, write_esci};
use relevance_data::sources::{Packing, wands, write_pairs, write_wands};
use relevance_data::{
    AnnotatedPair, DataError, EsciDataset, EsciFilter, Item, KtoExample, LabelSchema, LabeledPair,
    Pair, PairSource, Provenance, Query, Rationale, RowPolicy, SourceConfig, TrlSource,
    read_annotations, read_labeled_pairs, write_annotations, write_labeled_pairs, write_trl,
};
use std::path::Path;

const PACKED: [&str; 8] = [
    "p.csv.gz",
    "p.csv.zst",
    "p.tsv.gz",
    "p.tsv.zst",
    "p.jsonl.gz",
    "p.jsonl.zst",
    "p.parquet.gz",
    "p.parquet.zst",
];
const PLAIN: [&str; 4] = ["p.csv", "p.tsv", "p.jsonl", "p.parquet"];

/// Any text, often empty, mostly of what some format gives a meaning to.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => select(vec![
            "\"", "\"\"", "'", ",", ";", "\t", "\n", "\r", "\r\n", "\n\n", "\\", "\\n", " ", "\u{A0}",
            "\u{0}", "\u{1F}", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{FFFD}", "\u{202E}", "e\u{301}",
            "日本語", "😀", "👨\u{200D}👩", "null", "NaN", "{", "}", "[", "#", "<label>", "</label>",
        ]).prop_map(str::to_owned),
        2 => "[a-c]{1,3}",
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// The same around a letter: a query, and the texts of an item together, must not be blank.
fn filled() -> impl Strategy<Value = String> {
    (text(), "[a-cé日]", text()).prop_map(|(before, letter, after)| before + &letter + &after)
}

fn query() -> impl Strategy<Value = Query> {
    (text(), filled(), text()).prop_map(|(id, text, locale)| Query { id, text, locale })
}

/// An item of which one text, not always the title, is there.
fn item() -> impl Strategy<Value = Item> {
    (text(), vec(text(), 5), filled(), 0_usize..5).prop_map(|(id, mut texts, needed, place)| {
        texts[place] = needed;
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        Item {
            id,
            title: next(),
            description: next(),
            bullet_points: next(),
            brand: next(),
            color: next(),
            locale: String::new(),
        }
    })
}

/// Pairs whose two sides have one locale, as tables hold it.
fn pairs() -> impl Strategy<Value = Vec<LabeledPair>> {
    let pair = (query(), item(), 0_usize..4).prop_map(|(query, item, label)| {
        let locale = query.locale.clone();
        LabeledPair {
            pair: Pair {
                query,
                item: Item { locale, ..item },
            },
            label: LabelSchema::esci().label(label).unwrap(),
        }
    });
    vec(pair, 0..8)
}

fn read(path: &Path, policy: RowPolicy) -> Result<Vec<LabeledPair>, DataError> {
    let config = SourceConfig::default().with_policy(policy);
    let source = PairSource::open(path, &config, &LabelSchema::esci())?;
    source
        .map(|pair| Ok(pair?.labeled().expect("a label column")))
        .collect()
}

/// A query, an item and a label.
type Row = (Index, Index, Index);

/// A few queries and items with identifiers of their own, and rows of both.
fn judged() -> impl Strategy<Value = (Vec<Query>, Vec<Item>, Vec<Row>)> {
    let numbered = |id: &mut String, number: usize| id.push_str(&number.to_string());
    let queries = vec(query(), 1..4).prop_map(move |mut queries| {
        let all = queries.iter_mut().enumerate();
        all.for_each(|(number, query)| numbered(&mut query.id, number));
        queries
    });
    let items = vec(item(), 1..5).prop_map(move |mut items| {
        let all = items.iter_mut().enumerate();
        all.for_each(|(number, item)| numbered(&mut item.id, number));
        items
    });
    (queries, items, vec(any::<Row>(), 1..20))
}

fn packing() -> impl Strategy<Value = Packing> {
    select(vec![Packing::Plain, Packing::Gzip, Packing::Zstd])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pairs_come_back_from_tables(pairs in pairs()) {
        let dir = tempfile::tempdir().unwrap();
        for name in PLAIN.into_iter().chain(PACKED) {
            let path = dir.path().join(name);
            write_pairs(&path, &pairs, &LabelSchema::esci()).unwrap();
            prop_assert_eq!(&read(&path, RowPolicy::Fail).unwrap(), &pairs, "{}", name);
        }
    }

    #[test]
    fn pairs_come_back_from_the_official_files((queries, items, rows) in judged(), packing in packing()) {
        let schema = LabelSchema::esci();
        let pair = |(query, item, label): &Row| {
            let query = query.get(&queries).clone();
            let item = Item { locale: query.locale.clone(), ..item.get(&items).clone() };
            LabeledPair { pair: Pair { query, item }, label: schema.label(label.index(4)).unwrap() }
        };
        let pairs: Vec<LabeledPair> = rows.iter().map(pair).collect();
        let record = |pair| EsciRecord { pair, split: "train", small_version: false };
        let dir = tempfile::tempdir().unwrap();
        write_esci(dir.path(), pairs.iter().map(record), &schema, packing).unwrap();
        let dataset = EsciDataset::open(dir.path()).unwrap();
        prop_assert_eq!(&dataset.pairs(&EsciFilter::default()).unwrap(), &pairs);
        let by_product = dataset.stream_by_product(&EsciFilter::default()).unwrap();
        let mut by_product: Vec<LabeledPair> = by_product.map(Result::unwrap).collect();
        let mut pairs = pairs;
        for order in [&mut by_product, &mut pairs] {
            order.sort_by_key(|pair| format!("{pair:?}"));
        }
        prop_assert_eq!(by_product, pairs);
    }

    #[test]
    fn pairs_come_back_from_wands((queries, items, rows) in judged(), packing in packing()) {
        let schema = LabelSchema::wands();
        let pair = |(query, item, label): &Row| {
            let query = Query { locale: String::new(), ..query.get(&queries).clone() };
            let mut item = item.get(&items).clone();
            // These two have no column there: what they hold becomes part of the title.
            let more = std::mem::take(&mut item.brand) + &std::mem::take(&mut item.color);
            item.title.push_str(&more);
            LabeledPair { pair: Pair { query, item }, label: schema.label(label.index(3)).unwrap() }
        };
        let pairs: Vec<LabeledPair> = rows.iter().map(pair).collect();
        let dir = tempfile::tempdir().unwrap();
        write_wands(dir.path(), &pairs, &schema, packing).unwrap();
        let found = wands(dir.path(), &schema, RowPolicy::Fail).unwrap();
        let found: Vec<LabeledPair> = found.map(|pair| pair.unwrap().labeled().unwrap()).collect();
        prop_assert_eq!(found, pairs);
    }

    #[test]
    fn annotations_and_labelled_pairs_come_back(pairs in pairs(), reason in text(), teacher in text()) {
        let (dir, schema) = (tempfile::tempdir().unwrap(), LabelSchema::esci());
        let annotate = |labeled: &LabeledPair| AnnotatedPair {
            pair: labeled.pair.clone(),
            label: labeled.label,
            rationale: Rationale::new(reason.as_str()),
            confidence: 0.75,
            gold: Some(labeled.label),
            probabilities: Some(vec![0.1, 0.2, 0.3, 0.4]),
            provenance: Provenance { teacher: teacher.clone(), ..Provenance::default() },
        };
        let annotations: Vec<AnnotatedPair> = pairs.iter().map(annotate).collect();
        for name in ["p.jsonl", "p.jsonl.gz", "p.jsonl.zst"] {
            let path = dir.path().join(name);
            write_annotations(&path, &annotations, &schema).unwrap();
            prop_assert_eq!(&read_annotations(&path, &schema).unwrap(), &annotations, "{}", name);
            write_labeled_pairs(&path, &pairs, &schema).unwrap();
            prop_assert_eq!(&read_labeled_pairs(&path, &schema).unwrap(), &pairs, "{}", name);
        }
    }

    #[test]
    fn a_packed_file_that_was_cut_is_an_error_under_both_policies(
        pairs in pairs(),
        name in select(PACKED.to_vec()),
        cut: Index,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        write_pairs(&path, &pairs, &LabelSchema::esci()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..cut.index(bytes.len())]).unwrap();
        for policy in [RowPolicy::Fail, RowPolicy::Skip] {
            let error = read(&path, policy).expect_err("less than was written");
            prop_assert!(error.to_string().contains(name), "{}", error);
        }
        let records = pairs.iter().map(|pair| KtoExample {
            prompt: pair.pair.query.text.clone(),
            completion: pair.pair.item.text(),
            label: true,
        });
        let path = dir.path().join(if name.ends_with("gz") { "k.jsonl.gz" } else { "k.jsonl.zst" });
        write_trl(&path, &records.collect::<Vec<_>>()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..cut.index(bytes.len())]).unwrap();
        let found: Result<Vec<KtoExample>, _> =
            TrlSource::open(&path, RowPolicy::Skip).and_then(Iterator::collect);
        prop_assert!(found.is_err());
    }

    #[test]
    fn damage_to_a_packed_file_never_reads_as_other_pairs(
        pairs in pairs(),
        name in select(PACKED.to_vec()),
        place: Index,
        bit in 0_u8..8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        write_pairs(&path, &pairs, &LabelSchema::esci()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let place = 4 + place.index(bytes.len() - 4);
        bytes[place] ^= 1 << bit;
        std::fs::write(&path, bytes).unwrap();
        if let Ok(found) = read(&path, RowPolicy::Skip) {
            // Such as the time in gzip's header.
            prop_assert_eq!(found, pairs);
        }
    }
}

#[test]
fn what_a_table_could_not_give_back_is_not_written() {
    let (dir, schema) = (tempfile::tempdir().unwrap(), LabelSchema::esci());
    let good = LabeledPair {
        pair: Pair {
            query: Query::new("", "q"),
            item: Item {
                brand: "a brand alone".into(),
                ..Item::default()
            },
        },
        label: schema.label(0).unwrap(),
    };
    let changed = |change: fn(&mut Pair)| {
        let mut bad = good.clone();
        change(&mut bad.pair);
        bad
    };
    let faults = [
        (changed(|pair| pair.query.text = " \t".into()), "query.text"),
        (changed(|pair| pair.item.brand = "\n".into()), "item.title"),
        (
            changed(|pair| pair.item.locale = "es".into()),
            "item.locale",
        ),
    ];
    for name in PLAIN.into_iter().chain(PACKED) {
        for (bad, field) in &faults {
            let path = dir.path().join(name);
            let error = write_pairs(&path, [&good, bad], &schema).unwrap_err();
            let place = format!("{name}: row 1: field \"{field}\" = ");
            assert!(error.to_string().contains(&place), "{error}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
