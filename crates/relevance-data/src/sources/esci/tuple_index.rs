//! Tuples of texts, each kept once and known by a number.

use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// Tuples of `N` texts, numbered from 0 in the order of their first appearance.
///
/// All texts lie one after the other in one allocation: a product's key costs some 40 bytes, where a map of
/// strings would cost three times as much.
pub(super) struct TupleIndex<const N: usize> {
    texts: String,
    /// Where each text of each tuple ends in `texts`.
    ends: Vec<[u64; N]>,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl<const N: usize> Default for TupleIndex<N> {
    fn default() -> Self {
        Self {
            texts: String::new(),
            ends: Vec::new(),
            numbers: HashTable::new(),
            hasher: RandomState::new(),
        }
    }
}

impl<const N: usize> TupleIndex<N> {
    /// How many tuples there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of a tuple, which is added if it is new.
    pub(super) fn insert(&mut self, tuple: [&str; N]) -> u32 {
        let hash = self.hasher.hash_one(tuple);
        if let Some(number) = self.find(hash, tuple) {
            return number;
        }
        let number = u32::try_from(self.len()).expect("fewer than 2^32 tuples fit any memory");
        self.ends.push(tuple.map(|text| {
            self.texts.push_str(text);
            self.texts.len() as u64
        }));
        let (texts, ends, hasher) = (&self.texts, &self.ends, &self.hasher);
        let rehash = |number: &u32| hasher.hash_one(tuple_at(texts, ends, *number));
        self.numbers.insert_unique(hash, number, rehash);
        number
    }

    /// The number of a tuple, if it was inserted.
    pub(super) fn get(&self, tuple: [&str; N]) -> Option<u32> {
        self.find(self.hasher.hash_one(tuple), tuple)
    }

    fn find(&self, hash: u64, tuple: [&str; N]) -> Option<u32> {
        let same = |number: &u32| self.tuple(*number) == tuple;
        self.numbers.find(hash, same).copied()
    }

    /// The tuple with a number.
    pub(super) fn tuple(&self, number: u32) -> [&str; N] {
        tuple_at(&self.texts, &self.ends, number)
    }
}

fn tuple_at<'a, const N: usize>(texts: &'a str, ends: &[[u64; N]], number: u32) -> [&'a str; N] {
    let number = number as usize;
    // What lies in memory is within usize.
    let mut start = match number.checked_sub(1) {
        Some(before) => ends[before][N - 1] as usize,
        None => 0,
    };
    ends[number].map(|end| {
        let text = &texts[start..end as usize];
        start = end as usize;
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_works_like_a_map(tuples in prop::collection::vec(("[abé]{0,3}", "[abé]{0,3}"), 0..60)) {
            let (mut index, mut map) = (TupleIndex::<2>::default(), HashMap::new());
            for tuple in &tuples {
                let next = map.len() as u32;
                let expected = *map.entry(tuple.clone()).or_insert(next);
                prop_assert_eq!(index.insert([&tuple.0, &tuple.1]), expected);
            }
            prop_assert_eq!(index.len(), map.len());
            for (tuple, number) in &map {
                prop_assert_eq!(index.get([&tuple.0, &tuple.1]), Some(*number));
                prop_assert_eq!(index.tuple(*number), [tuple.0.as_str(), tuple.1.as_str()]);
            }
            prop_assert_eq!(index.get(["c", ""]), None);
        }
    }
}
