//! How pairs become parts.

use relevance_data::{LabeledPair, QuerySplit, extend_stratified_split};
use serde::{Deserialize, Serialize};

use super::source::NamedPairs;
use crate::error::DistillError;

/// How pairs become parts. No normalised query stands in two of them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dealing {
    /// By a hash of the query: rows that are added later move nothing.
    Hash,
    /// By query so that the parts have like label shares.
    Stratified,
    /// As the data name them.
    Named,
}

/// The parts by name. A stratified deal leaves queries of `earlier` parts where they are.
///
/// # Errors
///
/// The fractions are not as many as the names, or no shares; earlier parts share a query.
pub(super) fn deal(
    pairs: NamedPairs,
    dealing: Dealing,
    names: &[String],
    fractions: &[f64],
    seed: u64,
    earlier: &NamedPairs,
) -> Result<NamedPairs, DistillError> {
    if dealing == Dealing::Named {
        return Ok(pairs);
    }
    if names.len() != fractions.len() {
        return Err(DistillError::InvalidConfig {
            field: "fractions",
            value: format!("{} numbers", fractions.len()),
            allowed: format!("{}, one for each of --parts", names.len()),
        });
    }
    let split = QuerySplit::new(fractions.to_vec(), seed)?;
    let all = pairs.into_values().flatten().collect();
    let parts = match dealing {
        Dealing::Stratified => {
            let earlier = names.iter().map(|name| earlier.get(name).cloned());
            let earlier: Vec<Vec<LabeledPair>> = earlier.map(Option::unwrap_or_default).collect();
            extend_stratified_split(&split, all, &earlier)?
        }
        _ => split.split(all),
    };
    Ok(names.iter().cloned().zip(parts).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevance_data::{Item, LabelSchema, Pair, Query};

    #[test]
    fn every_pair_lands_in_one_named_part() {
        let schema = LabelSchema::esci();
        let pairs = (0..60).map(|i| LabeledPair {
            pair: Pair {
                query: Query::new("", format!("query {}", i / 2)),
                item: Item::new("", "item"),
            },
            label: schema.label(i % 4).expect("a class"),
        });
        let pairs = NamedPairs::from([(String::new(), pairs.collect())]);
        let names = ["train".to_owned(), "test".to_owned()];
        for dealing in [Dealing::Hash, Dealing::Stratified] {
            let earlier = NamedPairs::new();
            let parts = deal(pairs.clone(), dealing, &names, &[0.5, 0.5], 1, &earlier);
            let parts = parts.expect("dealt");
            assert_eq!(parts.len(), 2);
            assert_eq!(parts.values().map(Vec::len).sum::<usize>(), 60);
        }
        let error = deal(pairs, Dealing::Hash, &names, &[1.0], 1, &NamedPairs::new());
        let error = error.expect_err("one fraction");
        assert!(error.to_string().contains("2, one for each"), "{error}");
    }
}
