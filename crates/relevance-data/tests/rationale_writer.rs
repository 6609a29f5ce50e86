//! The deterministic writer, on hand-made pairs and on all pairs of the carried sample.
#![cfg(feature = "parquet")]

use proptest::prelude::*;
use relevance_data::{
    EsciDataset, EsciFilter, Item, LabelSchema, LabelWords, LabeledPair, Pair, Query,
    RationaleWriter, label_leakage,
};
use std::path::Path;

fn labeled(query: &str, item: Item, class: usize) -> LabeledPair {
    LabeledPair {
        pair: Pair {
            query: Query::new("1", query),
            item,
        },
        label: LabelSchema::esci().label(class).unwrap(),
    }
}

fn reason(query: &str, item: Item) -> String {
    let writer = RationaleWriter::new(LabelSchema::esci());
    writer.write(&labeled(query, item, 1)).to_string()
}

fn sample() -> Vec<LabeledPair> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    EsciDataset::open(folder)
        .unwrap()
        .pairs(&EsciFilter::default())
        .unwrap()
}

/// Whether each quoted span is a part of the query or of a field.
fn is_grounded(reason: &relevance_data::Rationale, pair: &Pair) -> bool {
    let sources: Vec<&str> = std::iter::once(pair.query.text.as_str())
        .chain(pair.item.fields())
        .collect();
    reason
        .citations()
        .all(|span| sources.iter().any(|source| source.contains(span)))
}

#[test]
fn evidence_is_found_and_named() {
    let towel = Item {
        brand: "KAF Home".to_owned(),
        color: "Teal".to_owned(),
        bullet_points: "100% cotton".to_owned(),
        ..Item::new("B1", "KAF Home Kitchen Towels, 18 inch, set for Women")
    };
    assert_eq!(
        reason("red cotton kaf home towel 20 inch for men", towel),
        "Intent: a search for \"red cotton kaf home towel 20 inch for men\", asking for colour \"red\", \
         wearer \"men\", measure \"20 inch\".\n\
         Category: the title has \"kaf\", \"home\", \"towel\", \"inch\", 4 of 8 query words; the details add \
         \"cotton\".\n\
         Attributes: the brand \"KAF Home\" is the one named in the query.\n\
         Conflicts: the item never mentions \"red\", \"20\", \"men\"; colour \"red\" is asked for, \"Teal\" is \
         offered; wearer \"men\" is asked for, \"Women\" is offered.\n\
         Conclusion: 5 of 8 query words are covered, 1 attribute is as asked, 3 conflicts."
    );
}

#[test]
fn nothing_in_common_is_said_plainly() {
    assert_eq!(
        reason("usb cable", Item::new("B2", "Sponge")),
        "Intent: a search for \"usb cable\".\n\
         Category: the title has no word of the query.\n\
         Attributes: nothing specific to compare.\n\
         Conflicts: the item never mentions \"usb\", \"cable\".\n\
         Conclusion: no query word is covered, 0 attributes are as asked, 0 conflicts."
    );
}

#[test]
fn exclusions_and_languages_without_spaces_are_understood() {
    let text = reason("soap without perfume", Item::new("", "Soap, rose perfume"));
    assert!(
        text.contains("excludes \"perfume\", which the item mentions"),
        "{text}"
    );
    let text = reason(
        "モバイル バッテリー 黒",
        Item::new("", "軽量モバイルバッテリー ブラック"),
    );
    assert!(
        text.contains("the title has \"モバイル\", \"バッテリー\", 2 of 3"),
        "{text}"
    );
    assert!(text.contains("colour \"黒\" found as asked"), "{text}");
}

#[test]
fn label_words_are_never_cited() {
    let item = Item::new("", "Exact Replacement Part");
    let text = reason("exact substitute part", item);
    assert!(
        !LabelWords::new(&LabelSchema::esci()).occur_in(&text),
        "{text}"
    );
    assert!(
        text.contains("a search for \"part\"") && !text.contains("\"\""),
        "{text}"
    );
}

#[test]
fn on_real_pairs_it_is_grounded_short_and_silent_about_the_label() {
    let words = LabelWords::new(&LabelSchema::esci());
    let (plain, guided) = (
        RationaleWriter::new(LabelSchema::esci()),
        RationaleWriter::new(LabelSchema::esci()).guided(true),
    );
    let mut lengths = Vec::new();
    for pair in sample() {
        for writer in [&plain, &guided] {
            let reason = writer.write(&pair);
            assert!(is_grounded(&reason, &pair.pair), "{reason}");
            assert!(!words.occur_in(reason.as_str()), "{reason}");
            let heads: Vec<&str> = reason
                .as_str()
                .lines()
                .filter_map(|l| l.split(':').next())
                .collect();
            assert_eq!(
                heads,
                [
                    "Intent",
                    "Category",
                    "Attributes",
                    "Conflicts",
                    "Conclusion"
                ]
            );
            lengths.push(reason.as_str().split_whitespace().count());
            assert_eq!(reason, writer.write(&pair));
        }
    }
    lengths.sort_unstable();
    let (low, high) = (
        lengths[lengths.len() / 20],
        lengths[lengths.len() * 19 / 20],
    );
    println!(
        "words: 5 % {low}, median {}, 95 % {high}, most {lengths:?}",
        lengths[lengths.len() / 2],
        lengths = lengths.last()
    );
    assert!(low >= 30 && high <= 75, "{low} {high}");
}

#[test]
fn evidence_alone_gives_little_away_and_guidance_much() {
    let (schema, pairs) = (LabelSchema::esci(), sample());
    let report = |writer: RationaleWriter| {
        let reasons: Vec<_> = pairs
            .iter()
            .map(|p| {
                (
                    p.pair.query.text.as_str(),
                    writer.write(p).to_string(),
                    p.label,
                )
            })
            .collect();
        label_leakage(&reasons, &schema, 5, 0).unwrap()
    };
    let plain = report(RationaleWriter::new(schema.clone()));
    let guided = report(RationaleWriter::new(schema.clone()).guided(true));
    println!("plain  {plain}\nguided {guided}");
    assert!(plain.above_majority() < 0.05, "{plain}");
    assert!(
        guided.above_majority() > plain.above_majority() + 0.1,
        "{guided}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_give_a_grounded_reason(
        query in "([a-z0-9\"'. 黒]{0,8} ?){0,4}",
        title in "([a-zA-Z0-9\"'. ]{0,8} ?){0,4}",
        brand in ".{0,8}",
        color in ".{0,8}",
    ) {
        let item = Item { brand, color, ..Item::new("", title) };
        let pair = labeled(&query, item, 0);
        let reason = RationaleWriter::new(LabelSchema::esci()).write(&pair);
        prop_assert!(is_grounded(&reason, &pair.pair), "{}", reason);
    }
}
