//! Fewer pairs, but each query whole.

use std::collections::{BTreeMap, BTreeSet};

use relevance_data::{LabeledPair, normalize_query};
use sha2::{Digest, Sha256};

/// The normalised queries of `pairs`.
pub(crate) fn queries(pairs: &[LabeledPair]) -> BTreeSet<String> {
    pairs
        .iter()
        .map(|pair| normalize_query(&pair.pair.query.text))
        .collect()
}

/// Whole queries until `limit` pairs are reached; at least one query.
///
/// Which queries stay depends on their texts and the seed alone.
pub(crate) fn limit(pairs: Vec<LabeledPair>, limit: Option<usize>, seed: u64) -> Vec<LabeledPair> {
    let Some(limit) = limit.filter(|limit| pairs.len() > *limit) else {
        return pairs;
    };
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for pair in &pairs {
        *sizes
            .entry(normalize_query(&pair.pair.query.text))
            .or_default() += 1;
    }
    let mut order: Vec<(String, usize)> = sizes.into_iter().collect();
    order.sort_by_cached_key(|(query, _)| query_hash(query, seed));
    let mut kept = BTreeSet::new();
    let mut total = 0;
    for (query, size) in order {
        if !kept.is_empty() && total + size > limit {
            continue;
        }
        total += size;
        kept.insert(query);
    }
    pairs
        .into_iter()
        .filter(|pair| kept.contains(&normalize_query(&pair.pair.query.text)))
        .collect()
}

fn query_hash(query: &str, seed: u64) -> [u8; 32] {
    Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(query.as_bytes())
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevance_data::{Item, LabelSchema, Pair, Query};

    #[test]
    fn queries_stay_whole_and_the_order_of_rows_does_not_matter() {
        let label = LabelSchema::esci().parse("E").expect("ESCI's");
        let pair = |i: usize| LabeledPair {
            pair: Pair {
                query: Query::new("", format!("Query {}", i / 3)),
                item: Item::new(format!("{i}"), "item"),
            },
            label,
        };
        let pairs: Vec<_> = (0..30).map(pair).collect();
        let kept = limit(pairs.clone(), Some(10), 7);
        assert_eq!((kept.len(), queries(&kept).len()), (9, 3));
        let backwards = limit(pairs.iter().rev().cloned().collect(), Some(10), 7);
        assert_eq!(queries(&kept), queries(&backwards));
        assert_eq!(
            limit(pairs.clone(), Some(1), 7).len(),
            3,
            "at least one query"
        );
        assert_eq!(limit(pairs.clone(), None, 7), pairs);
    }
}
