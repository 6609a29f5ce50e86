//! A thousand real pairs tokenised as `transformers`' fast tokenizer does (`goldens/generate_pairs.py`).

use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use relevance_data::{EsciDataset, EsciFilter};
use serde::Deserialize;

const TOKENIZER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/tokenizer.json");
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data");

#[derive(Deserialize)]
struct Goldens {
    max_length: usize,
    tokens: Vec<usize>,
    crc32: Vec<u32>,
    first: Vec<Vec<u32>>,
}

/// The checksum of zlib, polynomial 0xEDB88320.
fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    let step = |crc: u32, _| {
        if crc & 1 == 1 {
            (crc >> 1) ^ 0xEDB8_8320
        } else {
            crc >> 1
        }
    };
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), step)
    })
}

#[test]
fn a_thousand_real_pairs_equal_those_of_transformers() {
    let goldens: Goldens = serde_json::from_str(include_str!("goldens/pairs.json")).unwrap();
    assert_eq!(goldens.crc32.len(), 1000);
    let config = PairTokenizerConfig::default()
        .with_max_length(goldens.max_length)
        .with_max_reasoned_length(2 * goldens.max_length)
        .with_min_query_length(goldens.max_length - 4);
    let tokenizer = PairTokenizer::from_file(TOKENIZER, config).unwrap();
    let pairs = EsciDataset::open(DATA).unwrap();
    let pairs = pairs.pairs(&EsciFilter::default()).unwrap();
    let texts: Vec<(&str, String)> = pairs[..1000]
        .iter()
        .map(|pair| (pair.pair.query.text.as_str(), pair.pair.item.text()))
        .collect();
    let rows: Vec<(&str, &str)> = texts
        .iter()
        .map(|(query, item)| (*query, &**item))
        .collect();
    for (i, ours) in tokenizer.encode_pairs(&rows).unwrap().iter().enumerate() {
        let place = format!("pair {i}, {:?}", rows[i]);
        if let Some(ids) = goldens.first.get(i) {
            assert_eq!(&ours.ids, ids, "{place}");
        }
        assert_eq!(ours.len(), goldens.tokens[i], "{place}");
        let numbers = ours.ids.iter().chain(&ours.type_ids);
        let found = crc32(numbers.flat_map(|number| number.to_le_bytes()));
        assert_eq!(found, goldens.crc32[i], "{place}");
    }
}

#[test]
fn a_query_tokenised_once_gives_the_same_views() {
    let tokenizer = PairTokenizer::from_file(TOKENIZER, PairTokenizerConfig::default()).unwrap();
    let query = "usb c cable, 2 m, for a laptop that charges slowly ".repeat(12);
    let items = [
        "USB-C cable",
        "",
        "Garden hose",
        &"a long description ".repeat(200),
    ];
    let pairs = items.map(|item| (query.as_str(), item));
    assert_eq!(
        tokenizer.encode_items(&query, &items).unwrap(),
        tokenizer.encode_pairs(&pairs).unwrap()
    );
}
