//! Token ids against `transformers`, and what truncation keeps.

use pair_tokenizer::{Encoding, PairTokenizer, PairTokenizerConfig, PairTokenizerError};
use proptest::prelude::*;
use serde::Deserialize;
use tokenizers::Tokenizer;

const TOKENIZER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/tokenizer.json");
const VIEWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/views.json");

#[derive(Deserialize)]
struct Ids {
    input_ids: Vec<u32>,
    token_type_ids: Vec<u32>,
}

impl Ids {
    fn assert_equal(&self, ours: &Encoding, what: &str, query: &str) {
        assert_eq!(ours.ids, self.input_ids, "{what} of {query:?}");
        assert_eq!(ours.type_ids, self.token_type_ids, "{what} of {query:?}");
    }
}

#[derive(Deserialize)]
struct View {
    query: String,
    item: String,
    reason: String,
    standard: Ids,
    narrow: Option<Ids>,
    reasoned_160: Ids,
}

#[derive(Deserialize)]
struct Views {
    pad_id: u32,
    vocab_size: usize,
    views: Vec<View>,
}

fn views() -> Views {
    serde_json::from_slice(&std::fs::read(VIEWS).unwrap()).unwrap()
}

fn tokenizer(
    max_length: usize,
    max_reasoned_length: usize,
    min_query_length: usize,
) -> PairTokenizer {
    let config = PairTokenizerConfig::default()
        .with_max_length(max_length)
        .with_max_reasoned_length(max_reasoned_length)
        .with_min_query_length(min_query_length);
    PairTokenizer::from_file(TOKENIZER, config).unwrap()
}

#[test]
fn views_equal_those_of_transformers() {
    let (standard, narrow) = (tokenizer(128, 160, 64), tokenizer(24, 160, 20));
    let golden = views();
    assert_eq!(standard.pad_id(), golden.pad_id);
    assert_eq!(standard.id_bound(), golden.vocab_size);
    assert!(golden.views.len() >= 48);
    for view in &golden.views {
        let (query, item) = (&view.query, &view.item);
        view.standard
            .assert_equal(&standard.encode(query, item).unwrap(), "standard", query);
        view.reasoned_160.assert_equal(
            &standard.encode_reasoned(query, item, &view.reason).unwrap(),
            "reasoned",
            query,
        );
        if let Some(expected) = &view.narrow {
            expected.assert_equal(&narrow.encode(query, item).unwrap(), "narrow", query);
        }
    }
}

#[test]
fn batches_equal_single_views() {
    let tokenizer = tokenizer(128, 320, 64);
    let golden = views().views;
    let pairs: Vec<(&str, &str)> = golden
        .iter()
        .map(|v| (v.query.as_str(), v.item.as_str()))
        .collect();
    let triples: Vec<(&str, &str, &str)> = golden
        .iter()
        .map(|v| (v.query.as_str(), v.item.as_str(), v.reason.as_str()))
        .collect();
    let standard = tokenizer.encode_pairs(&pairs).unwrap();
    let reasoned = tokenizer.encode_reasoned_pairs(&triples).unwrap();
    for (index, (query, item, reason)) in triples.into_iter().enumerate() {
        assert_eq!(standard[index], tokenizer.encode(query, item).unwrap());
        assert_eq!(
            reasoned[index],
            tokenizer.encode_reasoned(query, item, reason).unwrap()
        );
        // Both views show the same pair.
        assert_eq!(
            reasoned[index].ids[..standard[index].len()],
            standard[index].ids
        );
    }
}

/// `n` one-token words.
fn words(word: &str, n: usize) -> String {
    vec![word; n].join(" ")
}

/// Lengths of the segments between the special tokens.
fn segments(tokenizer: &PairTokenizer, view: &Encoding) -> Vec<usize> {
    assert_eq!(view.ids[0], tokenizer.cls_id());
    assert_eq!(view.ids.len(), view.type_ids.len());
    let mut lengths: Vec<usize> = view.ids[1..]
        .split(|&id| id == tokenizer.sep_id())
        .map(<[u32]>::len)
        .collect();
    assert_eq!(lengths.pop(), Some(0), "the last token is [SEP]");
    let first_segment = view.type_ids.iter().filter(|&&id| id == 0).count();
    assert_eq!(first_segment, lengths[0] + 2);
    lengths
}

#[test]
fn only_the_item_is_cut_while_the_query_is_within_its_floor() {
    let tokenizer = tokenizer(32, 48, 20);
    let cut = |query, item| {
        let view = tokenizer
            .encode(&words("towel", query), &words("kitchen", item))
            .unwrap();
        segments(&tokenizer, &view)
    };
    assert_eq!(cut(5, 5), [5, 5]);
    assert_eq!(cut(5, 100), [5, 24]);
    assert_eq!(cut(20, 100), [20, 9]);
    // A longer query is cut, as far as the item needs the room, but not below 20.
    assert_eq!(cut(26, 100), [20, 9]);
    assert_eq!(cut(26, 5), [24, 5]);
    assert_eq!(cut(26, 3), [26, 3]);
    assert_eq!(cut(100, 0), [29, 0]);
}

#[test]
fn the_reason_is_cut_before_the_item() {
    let roomy = tokenizer(32, 48, 20);
    let cut = |tokenizer: &PairTokenizer, query, item, reason| {
        let texts = (
            words("towel", query),
            words("kitchen", item),
            words("set", reason),
        );
        let view = tokenizer
            .encode_reasoned(&texts.0, &texts.1, &texts.2)
            .unwrap();
        assert!(view.len() <= tokenizer.config().max_reasoned_length);
        segments(tokenizer, &view)
    };
    assert_eq!(cut(&roomy, 5, 5, 5), [5, 5, 5]);
    assert_eq!(cut(&roomy, 5, 100, 100), [5, 24, 15]);
    assert_eq!(cut(&roomy, 5, 10, 100), [5, 10, 29]);
    assert_eq!(cut(&roomy, 5, 10, 0), [5, 10, 0]);
    // Room for one token of the reason is made at the item's cost, never at the query's.
    let tight = tokenizer(32, 32, 20);
    assert_eq!(cut(&tight, 5, 100, 100), [5, 22, 1]);
    assert_eq!(cut(&tight, 20, 100, 100), [20, 7, 1]);
    assert_eq!(cut(&tight, 5, 100, 0), [5, 23, 0]);
}

#[test]
fn special_tokens_in_a_text_are_text() {
    let tokenizer = tokenizer(128, 160, 64);
    let view = tokenizer
        .encode("towel [SEP] [CLS]", "[PAD] kitchen [SEP]")
        .unwrap();
    let count = |id| view.ids.iter().filter(|&&token| token == id).count();
    assert_eq!(count(tokenizer.sep_id()), 2);
    assert_eq!(count(tokenizer.cls_id()), 1);
    assert_eq!(count(tokenizer.pad_id()), 0);
}

#[test]
fn unfit_tokenizers_and_settings_are_refused() {
    let missing = PairTokenizer::from_file("no/tokenizer.json", PairTokenizerConfig::default());
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .starts_with("cannot read \"no/tokenizer.json\": ")
    );
    let not_one = PairTokenizer::from_file(VIEWS, PairTokenizerConfig::default());
    assert!(matches!(
        not_one,
        Err(PairTokenizerError::Tokenizer { path: Some(_), .. })
    ));

    let roberta = PairTokenizerConfig::default().with_cls_token("<s>");
    let loaded = Tokenizer::from_file(TOKENIZER).unwrap();
    let message = PairTokenizer::from_tokenizer(loaded, roberta)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "tokenizer: no special token \"<s>\" (setting cls_token); it has: \
         [CLS], [MASK], [PAD], [SEP], [UNK]"
    );

    let read = serde_json::from_str::<PairTokenizerConfig>;
    assert!(
        read(r#"{"max_len": 3}"#)
            .unwrap_err()
            .to_string()
            .contains("unknown field")
    );
    let fault = |json| read(json).unwrap().validate().unwrap_err().to_string();
    assert!(fault(r#"{"max_length": 67}"#).starts_with("`max_length` is 67, allowed: at least 68"));
    assert!(fault(r#"{"max_reasoned_length": 69}"#).contains("at least 70"));
    assert!(fault(r#"{"min_query_length": 0}"#).contains("at least 1"));
}

/// Items, queries and reasons of any lengths.
fn lengths() -> impl Strategy<Value = (usize, usize, usize)> {
    (0_usize..60, 0_usize..90, 0_usize..90)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn truncation_keeps_its_promises_at_every_length(
        (query, item, reason) in lengths(),
        floor in 1_usize..30,
        (more, more_reasoned) in (0_usize..40, 0_usize..60),
    ) {
        let (longest, reasoned) = (floor + 4 + more, floor + 6 + more_reasoned);
        let tokenizer = tokenizer(longest, reasoned, floor);
        let texts = [words("towel", query), words("kitchen", item), words("set", reason)];
        let standard = tokenizer.encode(&texts[0], &texts[1]).unwrap();
        prop_assert!(standard.len() <= longest);
        let &[kept_query, kept_item] = &segments(&tokenizer, &standard)[..] else { panic!() };
        prop_assert!(kept_query >= query.min(floor), "the query is never cut below its floor");
        if kept_query < query || kept_item < item {
            prop_assert_eq!(standard.len(), longest, "nothing is cut while there is room");
        }
        // Only the item is cut, unless the query is above its floor.
        prop_assert!(kept_query == query || (kept_query >= floor && query > floor));

        let view = tokenizer.encode_reasoned(&texts[0], &texts[1], &texts[2]).unwrap();
        prop_assert!(view.len() <= reasoned);
        let &[with_query, with_item, kept_reason] = &segments(&tokenizer, &view)[..] else { panic!() };
        prop_assert!(with_query >= query.min(floor));
        prop_assert!(kept_reason >= reason.min(1), "a reason leaves at least one token");
        if kept_reason < reason {
            prop_assert_eq!(view.len(), reasoned);
        }
        if (with_query, with_item) == (kept_query, kept_item) {
            prop_assert_eq!(&view.ids[..standard.len()], &standard.ids[..]);
        } else {
            // The pair is cut further only where no more than one token of the reason is left.
            prop_assert_eq!((view.len(), kept_reason), (reasoned, reason.min(1)));
        }
    }
}
