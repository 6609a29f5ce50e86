//! Cleaning of pairs: every finding counted, every policy kept.

use proptest::collection::vec;
use proptest::prelude::*;
use relevance_data::cleaning::{
    CleanConfig, ConflictPolicy, NearDuplicateConfig, NearDuplicatePolicy, clean_pairs, clean_text,
    jaccard, near_duplicates,
};
use relevance_data::{DataError, Item, LabelSchema, LabeledPair, Pair, Query};

fn pair(query: &str, id: &str, title: &str, label: usize) -> LabeledPair {
    LabeledPair {
        pair: Pair {
            query: Query::new("", query),
            item: Item::new(id, title),
        },
        label: LabelSchema::esci().label(label).unwrap(),
    }
}

fn with(conflicts: ConflictPolicy) -> CleanConfig {
    CleanConfig::default().with_conflicts(conflicts)
}

#[test]
fn copies_are_merged_and_empty_pairs_left_out() {
    let pairs = vec![
        pair("Dish  towel", "B1", "Kitchen\u{0} towel", 0),
        pair("dish towel", "B1", "Kitchen towel", 0),
        pair(" ", "B2", "Mouse", 1),
        pair("mouse", "B3", "\u{FEFF}", 1),
        pair("mouse", "", "Mouse", 1),
        pair("mouse", "", "mouse", 1),
    ];
    let (kept, report) = clean_pairs(pairs, &LabelSchema::esci(), &CleanConfig::default()).unwrap();
    let titles: Vec<&str> = kept.iter().map(|p| p.pair.item.title.as_str()).collect();
    assert_eq!(titles, ["Kitchen towel", "Mouse"]);
    assert_eq!((report.pairs, report.kept), (6, 2));
    assert_eq!(
        (report.empty, report.duplicates, report.conflicts),
        (2, 2, 0)
    );
    assert_eq!(report.texts.control_characters, 2);
    assert!(
        report
            .markdown()
            .contains("| copies with the same label | 2 |")
    );
}

#[test]
fn every_policy_for_conflicting_labels() {
    let pairs = || {
        vec![
            pair("mouse", "B1", "Mouse", 1),
            pair("mouse", "B1", "Mouse", 0),
            pair("Mouse", "B1", "Mouse", 0),
            pair("mouse", "B2", "Mouse pad", 2),
        ]
    };
    let schema = LabelSchema::esci();
    let labels = |policy| {
        let (kept, report) = clean_pairs(pairs(), &schema, &with(policy)).unwrap();
        assert_eq!(report.conflicts, 1);
        assert_eq!(report.conflict_examples[0].labels["Exact"], 2);
        kept.iter()
            .map(|pair| pair.label.index())
            .collect::<Vec<_>>()
    };
    assert_eq!(labels(ConflictPolicy::Majority), [0, 2]);
    assert_eq!(labels(ConflictPolicy::KeepFirst), [1, 2]);
    assert_eq!(labels(ConflictPolicy::Drop), [2]);
    assert_eq!(labels(ConflictPolicy::KeepAll), [1, 0, 2]);
    let error = clean_pairs(pairs(), &schema, &with(ConflictPolicy::Fail)).unwrap_err();
    assert!(matches!(error, DataError::ConflictingLabels { .. }));
    assert!(
        error.to_string().contains("Exact (2), Substitute (1)"),
        "{error}"
    );
}

#[test]
fn near_duplicates_are_looked_for_under_one_query() {
    let long = "Acme Wireless Mouse for Laptops, Black, 2.4 GHz with USB receiver";
    let pairs = vec![
        pair("mouse", "B1", long, 0),
        pair("mouse", "B2", &format!("{long}s"), 0),
        pair("laptop mouse", "B2", &format!("{long}s"), 0),
    ];
    let schema = LabelSchema::esci();
    let clean = |near_duplicates| {
        let config = CleanConfig::default().with_near_duplicates(near_duplicates);
        clean_pairs(pairs.clone(), &schema, &config).unwrap()
    };
    let (kept, report) = clean(NearDuplicatePolicy::Report);
    assert_eq!(
        (
            kept.len(),
            report.near_duplicate_groups,
            report.near_duplicates
        ),
        (3, 1, 1)
    );
    assert_eq!(clean(NearDuplicatePolicy::KeepFirst).0.len(), 2);
    assert_eq!(clean(NearDuplicatePolicy::Ignore).1.near_duplicates, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cleaning_a_text_settles(text in "[ a\u{0}\u{AD}\u{200B}\u{FEFF}\u{FFFD}éｱﾞ\u{301}\u{345}\r\n\u{2028}\t]{0,12}|.{0,20}") {
        let (once, _) = clean_text(&text);
        let (twice, changes) = clean_text(&once);
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(changes, Default::default());
    }

    #[test]
    fn cleaning_pairs_settles_and_loses_no_count(
        rows in vec(("[ab ]{0,3}", "[xy]{0,2}", 0_usize..4), 0..25),
    ) {
        let schema = LabelSchema::esci();
        let pairs: Vec<_> = rows.iter().map(|(q, i, l)| pair(q, "", i, *l)).collect();
        let config = with(ConflictPolicy::KeepAll).with_near_duplicates(NearDuplicatePolicy::Ignore);
        let (once, report) = clean_pairs(pairs, &schema, &config).unwrap();
        prop_assert_eq!(report.pairs, report.kept + report.empty + report.duplicates);
        let (twice, again) = clean_pairs(once.clone(), &schema, &config).unwrap();
        prop_assert_eq!(once, twice);
        prop_assert_eq!((again.empty, again.duplicates), (0, 0));
    }

    #[test]
    fn groups_hold_near_duplicates_only(texts in vec("[abc]{0,12}", 0..30), seed: u64) {
        let config = NearDuplicateConfig::default().with_threshold(0.6).with_shingle(2).with_seed(seed);
        let groups = near_duplicates(&texts, &config).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for group in groups {
            prop_assert!(group.len() > 1 && group.is_sorted());
            for &member in &group {
                prop_assert!(seen.insert(member), "in two groups");
                prop_assert!(jaccard(&texts[group[0]], &texts[member], 2) >= 0.6);
            }
        }
        // What is the same is always found: all bands agree.
        for a in 0..texts.len() {
            for b in 0..a {
                prop_assert!(texts[a] != texts[b] || (seen.contains(&a) && seen.contains(&b)));
            }
        }
    }
}
