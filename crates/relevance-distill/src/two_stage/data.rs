//! The pairs of a run: read from the official ESCI files, and parted by query.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use relevance_data::esci::{EsciDataset, EsciFilter};
use relevance_data::{LabelSchema, LabeledPair, QuerySplit, check_disjoint, normalize_query};
use serde_json::{Value, json};

use super::config::DataConfig;
use crate::error::RunError;

/// The pairs of a run. No normalised query stands in two parts.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The label schema of all of them.
    pub schema: LabelSchema,
    /// Labelled pairs that the teacher learns from.
    pub teacher: Vec<LabeledPair>,
    /// Pairs of the search log: the teacher annotates them, the students learn from them.
    pub log: Vec<LabeledPair>,
    /// Pairs that only the evaluation sees.
    pub test: Vec<LabeledPair>,
}

impl Parts {
    /// Reads splits `train` and `test` of the two official files in `dir` and parts `train` by query.
    ///
    /// A part that is larger than its limit keeps whole queries, in the order of their hashes, until
    /// the limit is reached.
    ///
    /// # Errors
    ///
    /// The files cannot be read or hold something else than ESCI rows; a part is empty; a query of
    /// `train` stands in `test`, too.
    pub fn read(dir: &Path, config: &DataConfig, seed: u64) -> Result<Self, RunError> {
        let dataset = EsciDataset::open(dir)?;
        let filter = |split: &str| {
            let filter = EsciFilter::split(split).with_small_version(config.small_version);
            match &config.locales {
                None => filter,
                Some(locales) => filter.with_locales(locales),
            }
        };
        let test = dataset.pairs(&filter("test"))?;
        let test_queries: BTreeSet<String> = queries(&test);
        let train: Vec<LabeledPair> = dataset
            .pairs(&filter("train"))?
            .into_iter()
            .filter(|pair| !test_queries.contains(&normalize_query(&pair.pair.query.text)))
            .collect();

        let fractions = vec![config.teacher_fraction, 1.0 - config.teacher_fraction];
        let mut halves = QuerySplit::new(fractions, seed)?.split(train).into_iter();
        let teacher = limit(
            halves.next().unwrap_or_default(),
            config.max_teacher_pairs,
            seed,
        );
        let log = limit(
            halves.next().unwrap_or_default(),
            config.max_log_pairs,
            seed,
        );
        let test = limit(test, config.max_test_pairs, seed);
        for (part, pairs) in [("teacher", &teacher), ("log", &log), ("test", &test)] {
            if pairs.is_empty() {
                return Err(RunError::EmptyPart {
                    part,
                    hint: "give more data, another teacher_fraction or a higher limit".into(),
                });
            }
        }
        check_disjoint(&teacher, &log)?;
        check_disjoint(&teacher, &test)?;
        check_disjoint(&log, &test)?;
        Ok(Self {
            schema: LabelSchema::esci(),
            teacher,
            log,
            test,
        })
    }

    /// Pairs, queries and label counts of each part, for the manifest.
    pub fn summary(&self) -> BTreeMap<String, Value> {
        [
            ("teacher", &self.teacher),
            ("log", &self.log),
            ("test", &self.test),
        ]
        .into_iter()
        .map(|(name, pairs)| (name.to_string(), self.summary_of(pairs)))
        .collect()
    }

    fn summary_of(&self, pairs: &[LabeledPair]) -> Value {
        let labels: BTreeMap<&str, usize> = self
            .schema
            .labels()
            .map(|label| {
                let count = pairs.iter().filter(|pair| pair.label == label).count();
                (self.schema.name(label), count)
            })
            .collect();
        json!({"pairs": pairs.len(), "queries": queries(pairs).len(), "labels": labels})
    }
}

fn queries(pairs: &[LabeledPair]) -> BTreeSet<String> {
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
    use sha2::{Digest, Sha256};
    Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(query.as_bytes())
        .finalize()
        .into()
}
