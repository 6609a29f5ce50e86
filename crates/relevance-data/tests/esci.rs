//! The official ESCI schema, read from tiny files, good and bad.
#![cfg(feature = "parquet")]

use relevance_data::{
    DataError, EsciDataset, EsciFilter, Item, LabelClass, LabelSchema, LabeledPair, check_disjoint,
};
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
    let small = EsciFilter {
        small_version: true,
        ..EsciFilter::split("train")
    };
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
                "esci-unknown-product/{examples}: row 3 (example_id 3): product \"B9\" of locale \
                 \"us\" is not in esci-unknown-product/{products}"
            ),
        ),
        (
            "unknown-label",
            format!(
                "esci-unknown-label/{examples}: row 2: unknown label \"Q\"; allowed: Exact (E), \
                 Substitute (S), Complement (C), Irrelevant (I)"
            ),
        ),
        (
            "null-query",
            format!("esci-null-query/{examples}: row 1: column \"query\" is null"),
        ),
        (
            "no-rows",
            format!("esci-no-rows/{examples}: no row with any value; the file has no rows at all"),
        ),
    ] {
        assert_eq!(fault(name), message);
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

#[test]
fn the_carried_sample_is_whole() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let dataset = EsciDataset::open(sample).unwrap();
    let (train, test) = (
        dataset.pairs(&EsciFilter::split("train")).unwrap(),
        dataset.pairs(&EsciFilter::split("test")).unwrap(),
    );
    assert_eq!((train.len(), test.len()), (3119, 1058));
    check_disjoint(&train, &test).unwrap();
}
