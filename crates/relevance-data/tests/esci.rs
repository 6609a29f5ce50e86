//! The official ESCI schema, read from tiny files, good and bad.
#![cfg(feature = "parquet")]

use proptest::collection::vec;
use proptest::prelude::*;
use relevance_data::esci::{EsciRecord, write_esci};
use relevance_data::sources::Packing;
use relevance_data::{
    DataError, EsciDataset, EsciFilter, Item, LabelClass, LabelSchema, LabeledPair, Pair, Query,
    RowFault, RowPolicy, check_disjoint,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/goldens/esci-{name}"))
}

fn read(name: &str, filter: &EsciFilter) -> Result<Vec<LabeledPair>, DataError> {
    EsciDataset::open(folder(name))?.pairs(filter)
}

/// The error's message with the path up to the fixtures' folder taken out.
fn fault(name: &str) -> String {
    let prefix = format!("{}/tests/goldens/", env!("CARGO_MANIFEST_DIR"));
    let error = read(name, &EsciFilter::default()).unwrap_err();
    error.to_string().replace(&prefix, "")
}

#[test]
fn judgments_are_joined_on_locale_and_product() {
    let pairs = read("plain", &EsciFilter::default()).unwrap();
    let titles: Vec<&str> = pairs.iter().map(|p| p.pair.item.title.as_str()).collect();
    assert_eq!(titles, ["Towel", "Sponge", "USB Cable", "Towel", "Toalla"]);
    let labels: Vec<usize> = pairs.iter().map(|p| p.label.index()).collect();
    assert_eq!(labels, [0, 1, 0, 3, 2]);
    let first = &pairs[0].pair;
    assert_eq!(
        (
            first.query.id.as_str(),
            first.query.text.as_str(),
            first.query.locale.as_str()
        ),
        ("10", "dish towel", "us")
    );
    let towel = Item {
        bullet_points: "100% cotton\nset of 4".to_owned(),
        brand: "KAF".to_owned(),
        color: "Red".to_owned(),
        locale: "us".to_owned(),
        ..Item::new("B1", "Towel")
    };
    assert_eq!(first.item, towel);
}

#[test]
fn every_encoding_of_strings_reads_the_same() {
    let plain = read("plain", &EsciFilter::default()).unwrap();
    for encoding in ["large", "dictionary", "view", "extra-column"] {
        assert_eq!(
            read(encoding, &EsciFilter::default()).unwrap(),
            plain,
            "{encoding}"
        );
    }
}

#[test]
fn filters_combine() {
    let count = |filter: EsciFilter| read("plain", &filter).unwrap().len();
    assert_eq!(count(EsciFilter::split("train")), 3);
    assert_eq!(count(EsciFilter::split("train").with_locales(["us"])), 2);
    assert_eq!(count(EsciFilter::default().with_locales(["us", "es"])), 5);
    let small = EsciFilter::split("train").with_small_version(true);
    assert_eq!(count(small), 1);
}

#[test]
fn items_stream_without_judgments() {
    let dataset = EsciDataset::open(folder("plain")).unwrap();
    let titles = |locales: Option<&[String]>| -> Vec<String> {
        let items = dataset.items(locales).unwrap();
        items.map(|item| item.unwrap().title).collect()
    };
    assert_eq!(titles(None).len(), 5);
    assert_eq!(titles(Some(&["es".to_owned()])), ["Toalla"]);
}

#[test]
fn custom_classes_read_the_same_column() {
    let class = |name: &str, gain, aliases: &[&str]| LabelClass {
        name: name.to_owned(),
        gain,
        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
    };
    let schema = LabelSchema::new(
        "two",
        vec![
            class("Buy", 1.0, &["E", "Exact", "S"]),
            class("Skip", 0.0, &["C", "I"]),
        ],
    );
    let dataset = EsciDataset::open(folder("plain"))
        .unwrap()
        .with_schema(schema.unwrap());
    let pairs = dataset.pairs(&EsciFilter::default()).unwrap();
    let labels: Vec<usize> = pairs.iter().map(|p| p.label.index()).collect();
    assert_eq!(labels, [0, 0, 0, 1, 1]);
}

#[test]
fn bad_files_say_what_is_wrong_and_where() {
    let examples = "shopping_queries_dataset_examples.parquet";
    let products = "shopping_queries_dataset_products.parquet";
    for (name, message) in [
        (
            "no-split-column",
            format!(
                "esci-no-split-column/{examples}: no column \"split\"; needed: example_id, query, \
                 query_id, product_id, product_locale, esci_label, small_version, large_version, split"
            ),
        ),
        (
            "no-brand-column",
            format!(
                "esci-no-brand-column/{products}: no column \"product_brand\"; needed: product_id, \
                 product_title, product_description, product_bullet_point, product_brand, \
                 product_color, product_locale"
            ),
        ),
        (
            "number-for-query",
            format!(
                "esci-number-for-query/{examples}: column \"query\" is Int64; allowed: string, \
                 large string, string view, or a dictionary of these"
            ),
        ),
        (
            "unknown-product",
            format!(
                "esci-unknown-product/{examples}: row 3 (row group 0), column \"product_id\": \"B9\" \
                 of locale \"us\" is not in esci-unknown-product/{products}"
            ),
        ),
        (
            "unknown-label",
            format!(
                "esci-unknown-label/{examples}: row 2 (row group 0), column \"esci_label\": unknown \
                 label \"Q\"; allowed: Exact (E), Substitute (S), Complement (C), Irrelevant (I)"
            ),
        ),
        (
            "null-query",
            format!(
                "esci-null-query/{examples}: row 1 (row group 0), column \"query\": null; a value is \
                 needed"
            ),
        ),
        (
            "no-rows",
            format!("esci-no-rows/{examples}: no row with any value; the file has no rows at all"),
        ),
    ] {
        assert_eq!(fault(name), message);
        let by_product = |dataset: EsciDataset| {
            let mut pairs = dataset.stream_by_product(&EsciFilter::default())?;
            pairs.try_for_each(|pair| pair.map(drop))
        };
        let error = EsciDataset::open(folder(name)).and_then(by_product);
        let prefix = format!("{}/tests/goldens/", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(error.unwrap_err().to_string().replace(&prefix, ""), message);
    }
    let absent = EsciDataset::open(folder("nowhere")).unwrap_err();
    assert!(
        matches!(absent, DataError::Io { action: "open", .. }),
        "{absent}"
    );
    let empty = read("plain", &EsciFilter::split("dev").with_locales(["us"])).unwrap_err();
    assert!(
        empty.to_string().ends_with(
            "no row with split \"dev\" and locale in [\"us\"]; the file has 2 of split \"test\", \
             locale \"us\"; 1 of split \"train\", locale \"es\"; 2 of split \"train\", locale \"us\""
        ),
        "{empty}"
    );
}

#[test]
fn skipped_rows_are_counted_by_kind_in_both_orders() {
    for (name, fault, read) in [
        ("unknown-product", RowFault::MissingReference, 4),
        ("unknown-label", RowFault::UnknownLabel, 4),
        ("null-query", RowFault::MissingValue, 4),
    ] {
        let dataset = EsciDataset::open(folder(name)).unwrap();
        let dataset = dataset.with_policy(RowPolicy::Skip);
        let filter = EsciFilter::default();
        for mut pairs in
            [dataset.stream(&filter), dataset.stream_by_product(&filter)].map(Result::unwrap)
        {
            assert_eq!(pairs.by_ref().filter(Result::is_ok).count(), read, "{name}");
            let report = pairs.report();
            assert_eq!(report.read, read, "{name}");
            assert_eq!(report.skipped, BTreeMap::from([(fault, 1)]), "{name}");
            assert!(report.examples[&fault][0].contains("row "), "{report:?}");
        }
    }
}

#[test]
fn both_orders_hold_the_same_pairs_and_texts_may_lie_in_a_file() {
    for dir in [folder("plain"), sample()] {
        let dataset = EsciDataset::open(dir).unwrap();
        let filters = [
            EsciFilter::default(),
            EsciFilter::split("train"),
            EsciFilter::default().with_locales(["us"]),
        ];
        for filter in filters {
            let pairs = dataset.pairs(&filter).unwrap();
            let spilled = dataset.clone().with_memory_budget(1000);
            assert_eq!(spilled.pairs(&filter).unwrap(), pairs);
            let by_product = dataset.stream_by_product(&filter).unwrap();
            let by_product: Vec<LabeledPair> = by_product.map(Result::unwrap).collect();
            let batches = dataset.batches_by_product(&filter).unwrap();
            let borrowed: Vec<LabeledPair> = batches
                .flat_map(|batch| {
                    batch
                        .unwrap()
                        .rows()
                        .map(|row| row.to_pair())
                        .collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(borrowed, by_product);
            // Pairs of one product come together, in the order of the examples file.
            let mut products = Vec::new();
            for pair in &by_product {
                let key = (&pair.pair.item.locale, &pair.pair.item.id);
                if products.last() != Some(&key) {
                    assert!(!products.contains(&key));
                    products.push(key);
                }
            }
            let place = |key| products.iter().position(|other| *other == key);
            let mut sorted: Vec<&LabeledPair> = pairs.iter().collect();
            sorted.sort_by_key(|pair| place((&pair.pair.item.locale, &pair.pair.item.id)));
            assert!(sorted.into_iter().eq(&by_product));
        }
    }
}

fn record<'a>(pair: &'a LabeledPair, split: &'a str) -> EsciRecord<'a> {
    EsciRecord {
        pair,
        split,
        small_version: split == "test",
    }
}

#[test]
fn many_rows_in_several_groups_are_read_in_lanes_with_their_places() {
    let dir = tempfile::tempdir().unwrap();
    let schema = LabelSchema::esci();
    let pairs: Vec<LabeledPair> = (0..150_000)
        .map(|i| LabeledPair {
            pair: Pair {
                query: Query::new((i / 20).to_string(), format!("query {}", i / 20)),
                // Each product twice.
                item: Item::new(
                    format!("B{}", i * 7919 % 75_000),
                    format!("title {}", i * 7919 % 75_000),
                ),
            },
            label: schema.label(i % 4).unwrap(),
        })
        .collect();
    let records = pairs.iter().map(|pair| record(pair, "train"));
    write_esci(dir.path(), records, &schema, Packing::Plain).unwrap();
    let dataset = EsciDataset::open(dir.path()).unwrap();
    let found = dataset.pairs(&EsciFilter::default()).unwrap();
    assert!(found == pairs, "in order");
    let by_product = |dataset: &EsciDataset| -> Vec<LabeledPair> {
        let pairs = dataset.stream_by_product(&EsciFilter::default()).unwrap();
        pairs.map(Result::unwrap).collect()
    };
    let found = by_product(&dataset);
    assert!(found == by_product(&dataset), "the same order each time");
    let key = |pair: &LabeledPair| (pair.pair.query.id.clone(), pair.pair.item.id.clone());
    let (mut found, mut pairs) = (found, pairs);
    found.sort_by_key(key);
    pairs.sort_by_key(key);
    assert!(found == pairs, "by product");
}

fn pair_of(query: usize, item: usize, locale: &str, label: usize) -> LabeledPair {
    LabeledPair {
        pair: Pair {
            query: Query {
                locale: locale.into(),
                ..Query::new(query.to_string(), format!("query {query}"))
            },
            item: Item {
                locale: locale.into(),
                description: "d".repeat(item),
                ..Item::new(format!("B{item}"), format!("title {item} é"))
            },
        },
        label: LabelSchema::esci().label(label).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn official_files_come_back(
        rows in vec((0_usize..4, 0_usize..5, prop::sample::select(vec!["us", "es", ""]), 0_usize..4, any::<bool>()), 1..30),
        packing in prop::sample::select(vec![Packing::Plain, Packing::Gzip, Packing::Zstd]),
    ) {
        let pairs: Vec<LabeledPair> =
            rows.iter().map(|(query, item, locale, label, _)| pair_of(*query, *item, locale, *label)).collect();
        let split = |test: bool| if test { "test" } else { "train" };
        let records = pairs.iter().zip(&rows).map(|(pair, row)| record(pair, split(row.4)));
        let dir = tempfile::tempdir().unwrap();
        write_esci(dir.path(), records, &LabelSchema::esci(), packing).unwrap();
        let dataset = EsciDataset::open(dir.path()).unwrap();
        prop_assert_eq!(&dataset.pairs(&EsciFilter::default()).unwrap(), &pairs);
        for test in [false, true] {
            let wanted = pairs.iter().zip(&rows).filter(|(_, row)| row.4 == test);
            let wanted: Vec<LabeledPair> = wanted.map(|(pair, _)| pair.clone()).collect();
            let filter = EsciFilter::split(split(test)).with_small_version(test);
            match dataset.pairs(&filter) {
                Ok(found) => prop_assert_eq!(found, wanted),
                Err(error) => prop_assert!(wanted.is_empty(), "{}", error),
            }
        }
    }
}

#[test]
fn what_the_official_files_cannot_hold_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let good = pair_of(1, 1, "us", 0);
    let changed = |change: fn(&mut Item)| {
        let mut pair = good.clone();
        change(&mut pair.pair.item);
        let records = [record(&good, "train"), record(&pair, "train")];
        let schema = LabelSchema::esci();
        let error = write_esci(dir.path(), records, &schema, Packing::Plain).unwrap_err();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        error.to_string()
    };
    for (message, field) in [
        (changed(|item| item.id.clear()), "item.id"),
        (changed(|item| item.locale = "es".into()), "item.locale"),
        (changed(|item| item.title.push('!')), "item.id"),
    ] {
        let place = format!("row 1: field \"{field}\"");
        assert!(message.contains(&place), "{message}");
    }
}

#[test]
fn a_file_that_is_not_parquet_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for file in [
        relevance_data::esci::EXAMPLES_FILE,
        relevance_data::esci::PRODUCTS_FILE,
    ] {
        std::fs::write(dir.path().join(file), "example_id,query\n").unwrap();
    }
    let error = EsciDataset::open(dir.path()).unwrap_err();
    assert!(matches!(error, DataError::Parquet { .. }), "{error}");
    assert!(error.to_string().contains("examples.parquet: "), "{error}");
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

#[test]
fn the_carried_sample_is_whole() {
    let dataset = EsciDataset::open(sample()).unwrap();
    let (train, test) = (
        dataset.pairs(&EsciFilter::split("train")).unwrap(),
        dataset.pairs(&EsciFilter::split("test")).unwrap(),
    );
    assert_eq!((train.len(), test.len()), (3119, 1058));
    check_disjoint(&train, &test).unwrap();
}
