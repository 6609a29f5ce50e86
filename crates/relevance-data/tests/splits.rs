//! Splits: stable, and no query in two parts.

use proptest::collection::vec;
use proptest::prelude::*;
use relevance_data::cleaning::NearDuplicateConfig;
use relevance_data::{
    DataError, Item, LabelSchema, LabeledPair, Pair, Query, QuerySplit, check_disjoint,
    extend_stratified_split, normalize_query, split_by_name, split_leakage, stratified_split,
};

fn pair(query: &str) -> LabeledPair {
    LabeledPair {
        pair: Pair {
            query: Query::new("", query),
            item: Item::default(),
        },
        label: LabelSchema::esci().label(0).unwrap(),
    }
}

fn split() -> impl Strategy<Value = QuerySplit> {
    (vec(0.01_f64..1.0, 1..5), any::<u64>()).prop_map(|(weights, seed)| {
        let sum: f64 = weights.iter().sum();
        QuerySplit::new(
            weights.into_iter().map(|weight| weight / sum).collect(),
            seed,
        )
        .unwrap()
    })
}

fn labelled(query: &str, label: usize) -> LabeledPair {
    LabeledPair {
        label: LabelSchema::esci().label(label).unwrap(),
        ..pair(query)
    }
}

#[test]
fn strata_are_dealt_evenly_where_a_hash_would_not() {
    // 30 queries of 4 pairs; every fifth query has a Complement.
    let pairs: Vec<LabeledPair> = (0..120)
        .map(|i| {
            let (query, place) = (i / 4, i % 4);
            let label = if query % 5 == 0 && place == 0 {
                2
            } else {
                place % 2
            };
            labelled(&format!("query {query}"), label)
        })
        .collect();
    let split = QuerySplit::new(vec![0.5, 0.5], 3).unwrap();
    let parts = stratified_split(&split, pairs.clone());
    let complements = |part: &[LabeledPair]| part.iter().filter(|p| p.label.index() == 2).count();
    assert_eq!((complements(&parts[0]), complements(&parts[1])), (3, 3));
    assert_eq!((parts[0].len(), parts[1].len()), (60, 60));
    check_disjoint(&parts[0], &parts[1]).unwrap();

    let mut reversed = pairs;
    reversed.reverse();
    let again = stratified_split(&split, reversed);
    for (a, b) in parts.iter().zip(&again) {
        let queries = |part: &[LabeledPair]| {
            let texts = part.iter().map(|p| p.pair.query.text.clone());
            texts.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(
            queries(a),
            queries(b),
            "the order of the rows does not matter"
        );
    }
}

#[test]
fn a_column_names_the_parts() {
    let rows = [
        ("train", pair("a")),
        ("test", pair("b")),
        ("train", pair("c")),
    ];
    let parts = split_by_name(rows.clone(), &["train", "dev", "test"]).unwrap();
    assert_eq!(parts.values().map(Vec::len).collect::<Vec<_>>(), [0, 1, 2]);
    let error = split_by_name(rows, &["train"]).unwrap_err().to_string();
    assert_eq!(error, r#"row 1: unknown split "test"; allowed: train"#);
}

#[test]
fn shared_queries_are_refused_and_near_ones_reported() {
    let config = NearDuplicateConfig::default()
        .with_threshold(0.6)
        .with_shingle(3);
    let train = [pair("usb c cable 2m"), pair("garden hose")];
    let test = [pair("usb c cables 2m"), pair("dish towel")];
    let parts: [(&str, &[LabeledPair]); 2] = [("train", &train), ("test", &test)];
    let report = split_leakage(&parts, &config).unwrap();
    assert_eq!(report.queries["train"], 2);
    assert_eq!(report.near_duplicate_groups, 1);
    let found = [
        ("usb c cable 2m".to_owned(), "train".to_owned()),
        ("usb c cables 2m".to_owned(), "test".to_owned()),
    ];
    assert_eq!(report.examples, [found]);

    let leaking = [pair("Garden  HOSE")];
    let parts: [(&str, &[LabeledPair]); 2] = [("train", &train), ("test", &leaking)];
    let error = split_leakage(&parts, &config).unwrap_err().to_string();
    assert!(
        error.contains(
            r#"1 normalised queries stand in more than one part, the first is "garden hose""#
        ),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalisation_settles(text in ".{0,20}") {
        let once = normalize_query(&text);
        prop_assert_eq!(normalize_query(&once), once);
    }

    #[test]
    fn no_query_is_in_two_parts(split in split(), queries in vec("[ aAbB]{0,3}", 0..40)) {
        let pairs: Vec<LabeledPair> = queries.iter().map(|query| pair(query)).collect();
        let parts = split.split(pairs.clone());
        prop_assert_eq!(parts.len(), split.num_parts());
        prop_assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), pairs.len());
        for (a, first) in parts.iter().enumerate() {
            for second in &parts[a + 1..] {
                check_disjoint(first, second).unwrap();
            }
        }
    }

    #[test]
    fn added_rows_move_nothing(
        split in split(),
        queries in vec(".{0,8}", 0..20),
        added in vec(".{0,8}", 0..20),
    ) {
        let pairs = |queries: &[String]| queries.iter().map(|query| pair(query)).collect::<Vec<_>>();
        let before = split.split(pairs(&queries));
        let after = split.split(pairs(&[queries, added].concat()));
        for (before, after) in before.iter().zip(&after) {
            prop_assert_eq!(&after[..before.len()], &before[..]);
        }
    }
}

#[test]
fn parts_have_the_sizes_asked_for() {
    let split = QuerySplit::new(vec![0.8, 0.0, 0.2], 7).unwrap();
    let mut counts = [0; 3];
    for query in 0..10_000 {
        counts[split.part(&Query::new("", format!("query {query}")))] += 1;
    }
    assert!((7_900..8_100).contains(&counts[0]), "{counts:?}");
    assert_eq!(counts[1], 0);
    let folds = QuerySplit::k_fold(5, 7).unwrap();
    assert_eq!(folds.num_parts(), 5);
    // The assignment itself is part of the contract: it must not change between versions.
    let parts: Vec<usize> = (0..10)
        .map(|i| folds.part_of_text(&format!("query {i}")))
        .collect();
    assert_eq!(parts, PINNED);
}

const PINNED: [usize; 10] = [4, 1, 3, 3, 4, 0, 0, 4, 1, 4];

#[test]
fn seeds_deal_differently() {
    let of = |seed| -> Vec<usize> {
        let split = QuerySplit::k_fold(4, seed).unwrap();
        (0..50)
            .map(|i| split.part_of_text(&i.to_string()))
            .collect()
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn shared_queries_are_counted_and_named() {
    let (a, b) = (
        [pair("Dish Towel"), pair("usb"), pair("x")],
        [pair("USB "), pair("dish  towel")],
    );
    let error = check_disjoint(&a, &b).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 normalised queries stand in more than one part, the first is \"dish towel\"; none may be shared"
    );
    check_disjoint(&a[2..], &b).unwrap();
}

#[test]
fn impossible_fractions_are_refused() {
    for fractions in [vec![], vec![0.5, 0.6], vec![1.5, -0.5], vec![f64::NAN, 1.0]] {
        let error = QuerySplit::new(fractions, 0).unwrap_err();
        assert!(matches!(
            error,
            DataError::InvalidConfig {
                field: "fractions",
                ..
            }
        ));
    }
    assert!(QuerySplit::k_fold(1, 0).is_err());
    let read = serde_json::from_str::<QuerySplit>;
    assert!(read(r#"{"fractions": [0.9, 0.1], "seed": 1}"#).is_ok());
    assert!(read(r#"{"fractions": [0.9, 0.2], "seed": 1}"#).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pair_is_held_out_once(queries in vec("[ab ]{0,3}", 0..30), folds in 2_usize..5, seed: u64) {
        let pairs: Vec<LabeledPair> = queries.iter().map(|query| pair(query)).collect();
        let split = QuerySplit::k_fold(folds, seed).unwrap();
        let mut held_out_in_all = 0;
        for (train, held_out) in split.folds(&pairs) {
            check_disjoint(&train, &held_out).unwrap();
            prop_assert_eq!(train.len() + held_out.len(), pairs.len());
            held_out_in_all += held_out.len();
        }
        prop_assert_eq!(held_out_in_all, pairs.len());
    }

    #[test]
    fn stratified_parts_share_no_query(split in split(), rows in vec(("[ab ]{0,3}", 0_usize..4), 0..40)) {
        let pairs: Vec<LabeledPair> = rows.iter().map(|(query, label)| labelled(query, *label)).collect();
        let parts = stratified_split(&split, pairs.clone());
        prop_assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), pairs.len());
        for (a, first) in parts.iter().enumerate() {
            for second in &parts[a + 1..] {
                check_disjoint(first, second).unwrap();
            }
        }
    }

    #[test]
    fn rows_added_to_a_stratified_split_move_nothing(
        split in split(),
        rows in vec(("[ab ]{0,3}", 0_usize..4), 1..40),
        known: prop::sample::Index,
    ) {
        let pairs: Vec<LabeledPair> = rows.iter().map(|(query, label)| labelled(query, *label)).collect();
        let known = known.index(pairs.len());
        let earlier = stratified_split(&split, pairs[..known].to_vec());
        let parts = extend_stratified_split(&split, pairs.clone(), &earlier).unwrap();
        prop_assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), pairs.len());
        for (part, before) in parts.iter().zip(&earlier) {
            prop_assert!(before.iter().all(|pair| part.contains(pair)));
        }
        for (a, first) in parts.iter().enumerate() {
            for second in &parts[a + 1..] {
                check_disjoint(first, second).unwrap();
            }
        }
        // With nothing before, it is the plain split.
        let nothing = vec![Vec::new(); split.num_parts()];
        prop_assert_eq!(extend_stratified_split(&split, pairs.clone(), &nothing).unwrap(), stratified_split(&split, pairs));
    }
}

#[test]
#[cfg(feature = "parquet")]
fn parts_of_real_judgments_have_like_label_shares() {
    // 24 queries have about 44 pairs, a thousand have 3: a hash alone is off by tens of per cent.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let dataset = relevance_data::EsciDataset::open(folder).unwrap();
    let pairs = dataset
        .pairs(&relevance_data::EsciFilter::default())
        .unwrap();
    let share = |part: &[LabeledPair], label: usize| {
        let count = part
            .iter()
            .filter(|pair| pair.label.index() == label)
            .count();
        count as f64 / part.len() as f64
    };
    for seed in 0..5 {
        let split = QuerySplit::new(vec![0.8, 0.1, 0.1], seed).unwrap();
        let parts = stratified_split(&split, pairs.clone());
        for (part, fraction) in parts.iter().zip(split.fractions()) {
            let size = part.len() as f64 / pairs.len() as f64;
            assert!(
                (size / fraction - 1.0).abs() < 0.05,
                "{size} for {fraction}"
            );
            for label in 0..4 {
                let (found, wanted) = (share(part, label), share(&pairs, label));
                assert!(
                    (found - wanted).abs() < 0.02,
                    "seed {seed}, {label}: {found} for {wanted}"
                );
            }
        }
    }
}

#[test]
fn earlier_parts_that_do_not_fit_are_refused() {
    let split = QuerySplit::new(vec![0.5, 0.5], 1).unwrap();
    let pairs = vec![pair("a")];
    let one = std::slice::from_ref(&pairs);
    let error = extend_stratified_split(&split, pairs.clone(), one).unwrap_err();
    assert!(error.to_string().contains("2, as many"), "{error}");
    let shared = [pairs.clone(), vec![pair(" A")]];
    let error = extend_stratified_split(&split, pairs, &shared).unwrap_err();
    assert!(matches!(error, DataError::SharedQueries { count: 1, .. }));
}
