//! Queries that stand, or nearly stand, in more than one part.

use crate::cleaning::{NearDuplicateConfig, near_duplicates};
use crate::{DataError, LabeledPair, normalize_query};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many examples a report holds.
const EXAMPLES: usize = 20;

/// What parts share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitLeakage {
    /// Normalised queries of each part.
    pub queries: BTreeMap<String, usize>,
    /// Groups of nearly equal queries that reach over more than one part.
    pub near_duplicate_groups: usize,
    /// The first of them: each query with its part.
    pub examples: Vec<Vec<(String, String)>>,
}

/// Looks for queries that parts share. The same normalised query in two parts is refused; queries that
/// are nearly the same (`usb c cable`, `usb-c cable`) are reported, since whether they leak is a matter
/// of judgment.
///
/// Character shingles of 3 and a threshold around 0.7 suit queries.
///
/// ```
/// use relevance_data::cleaning::NearDuplicateConfig;
/// use relevance_data::*;
/// let label = LabelSchema::binary().label(0)?;
/// let pair = |query: &str| LabeledPair { pair: Pair { query: Query::new("", query), item: Item::new("", "x") }, label };
/// let (train, test) = ([pair("usb c cable 2m")], [pair("usb c cables 2m"), pair("garden hose")]);
/// let config = NearDuplicateConfig::default().with_threshold(0.6).with_shingle(3);
/// let parts: [(&str, &[LabeledPair]); 2] = [("train", &train), ("test", &test)];
/// let report = split_leakage(&parts, &config)?;
/// assert_eq!((report.queries["test"], report.near_duplicate_groups), (2, 1));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::SharedQueries`] with their number and the first; [`DataError::InvalidConfig`].
pub fn split_leakage(
    parts: &[(&str, &[LabeledPair])],
    config: &NearDuplicateConfig,
) -> Result<SplitLeakage, DataError> {
    let mut part_of: BTreeMap<String, usize> = BTreeMap::new();
    let mut shared: BTreeSet<String> = BTreeSet::new();
    let mut report = SplitLeakage::default();
    for (part, (name, pairs)) in parts.iter().enumerate() {
        let texts: BTreeSet<&str> = pairs.iter().map(|p| p.pair.query.text.as_str()).collect();
        let queries: BTreeSet<String> = texts.into_iter().map(normalize_query).collect();
        report.queries.insert((*name).to_owned(), queries.len());
        for query in queries {
            match part_of.get(&query) {
                Some(_) => {
                    shared.insert(query);
                }
                None => {
                    part_of.insert(query, part);
                }
            }
        }
    }
    if let Some(example) = shared.first() {
        return Err(DataError::SharedQueries {
            count: shared.len(),
            example: example.clone(),
        });
    }
    let queries: Vec<(&String, &usize)> = part_of.iter().collect();
    let texts: Vec<&str> = queries.iter().map(|(query, _)| query.as_str()).collect();
    for group in near_duplicates(&texts, config)? {
        let reaches: BTreeSet<usize> = group.iter().map(|&i| *queries[i].1).collect();
        if reaches.len() < 2 {
            continue;
        }
        report.near_duplicate_groups += 1;
        if report.examples.len() < EXAMPLES {
            let named = |&i: &usize| (queries[i].0.clone(), parts[*queries[i].1].0.to_owned());
            report.examples.push(group.iter().map(named).collect());
        }
    }
    Ok(report)
}
