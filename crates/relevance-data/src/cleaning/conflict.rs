//! The same query and item with different labels.

use crate::{DataError, Label, LabelSchema, LabeledPair};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What becomes of pairs that carry different labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictPolicy {
    /// The most frequent label; of equally frequent ones the first.
    #[default]
    Majority,
    /// The first.
    KeepFirst,
    /// None: the pair is left out.
    Drop,
    /// All: nothing changes.
    KeepAll,
    /// An error.
    Fail,
}

/// A query and an item with different labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The query's text.
    pub query: String,
    /// The item's title.
    pub item: String,
    /// How often each label was given, by name.
    pub labels: BTreeMap<String, usize>,
}

/// One pair for each key, by the policy; the conflicts in the order of their first pairs. Equal pairs
/// with the same label have been merged into one with a count.
pub(super) fn resolve(
    counted: Vec<(String, LabeledPair, usize)>,
    schema: &LabelSchema,
    policy: ConflictPolicy,
) -> Result<(Vec<LabeledPair>, Vec<Conflict>), DataError> {
    let mut of_key: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, (key, ..)) in counted.iter().enumerate() {
        of_key.entry(key).or_default().push(index);
    }
    let mut kept = vec![true; counted.len()];
    let mut conflicts = Vec::new();
    for (index, (key, pair, _)) in counted.iter().enumerate() {
        let members = &of_key[key.as_str()];
        if members[0] != index || members.len() < 2 {
            continue;
        }
        let labels: Vec<(Label, usize)> = members
            .iter()
            .map(|&i| (counted[i].1.label, counted[i].2))
            .collect();
        let conflict = conflict(pair, &labels, schema);
        let survivor = match policy {
            ConflictPolicy::Fail => return Err(refuse(&conflict)),
            ConflictPolicy::KeepAll => None,
            ConflictPolicy::Drop => Some(usize::MAX),
            ConflictPolicy::KeepFirst => Some(members[0]),
            ConflictPolicy::Majority => Some(members[most_frequent(&labels)]),
        };
        if let Some(survivor) = survivor {
            for &i in members {
                kept[i] = i == survivor;
            }
        }
        conflicts.push(conflict);
    }
    let pairs = counted.into_iter().zip(kept);
    let pairs = pairs
        .filter(|(_, kept)| *kept)
        .map(|((_, pair, _), _)| pair);
    Ok((pairs.collect(), conflicts))
}

fn most_frequent(labels: &[(Label, usize)]) -> usize {
    (1..labels.len()).fold(0, |best, i| {
        if labels[i].1 > labels[best].1 {
            i
        } else {
            best
        }
    })
}

fn conflict(pair: &LabeledPair, labels: &[(Label, usize)], schema: &LabelSchema) -> Conflict {
    let named = labels.iter();
    Conflict {
        query: pair.pair.query.text.clone(),
        item: pair.pair.item.title.clone(),
        labels: named
            .map(|&(label, count)| (schema.name(label).to_owned(), count))
            .collect(),
    }
}

fn refuse(conflict: &Conflict) -> DataError {
    let labels: Vec<String> = conflict
        .labels
        .iter()
        .map(|(label, count)| format!("{label} ({count})"))
        .collect();
    DataError::ConflictingLabels {
        query: conflict.query.clone(),
        item: conflict.item.clone(),
        labels,
    }
}
