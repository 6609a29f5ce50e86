//! Parts with like label shares that share no query.

use crate::split::unit_hash;
use crate::{DataError, LabeledPair, QuerySplit, normalize_query};
use std::collections::BTreeMap;

/// Splits by normalised query so that the parts have nearly the same shares of labels and their
/// expected sizes, which a plain hash gives only for many queries.
///
/// Queries are grouped into strata by their rarest label (a query that has a Complement item belongs to
/// Complement if that is the rarest), sorted by their hash within the stratum, and dealt to the part
/// that is furthest behind its share of the stratum's pairs.
///
/// **Stability.** The deal is deterministic and does not depend on the order of the rows, but rows that
/// are added later can move queries. [`extend_stratified_split`] deals added rows so that nothing moves;
/// [`QuerySplit::split`] needs no earlier parts for that, and its parts differ from the overall shares by
/// chance only.
///
/// ```
/// # use relevance_data::*;
/// # let schema = LabelSchema::esci();
/// # let pairs: Vec<LabeledPair> = (0..40).map(|i| LabeledPair {
/// #     pair: Pair { query: Query::new("", format!("query {i}")), item: Item::new("", "item") },
/// #     label: schema.label(usize::from(i % 4 == 0)).unwrap() }).collect();
/// let parts = stratified_split(&QuerySplit::new(vec![0.5, 0.5], 1)?, pairs);
/// let share = |part: &[LabeledPair]| part.iter().filter(|pair| pair.label.index() == 1).count();
/// assert_eq!((share(&parts[0]), share(&parts[1])), (5, 5));
/// # Ok::<(), DataError>(())
/// ```
pub fn stratified_split(split: &QuerySplit, pairs: Vec<LabeledPair>) -> Vec<Vec<LabeledPair>> {
    deal(split, pairs, &BTreeMap::new())
}

/// Splits as [`stratified_split`] does, but a query that stands in one of the earlier parts stays in that
/// part: only queries that are new are dealt, each to the part that is furthest behind, what the earlier ones
/// bring counted in. So rows that are added later, of known queries or of new ones, move nothing.
///
/// ```
/// # use relevance_data::*;
/// # let schema = LabelSchema::esci();
/// # let pairs: Vec<LabeledPair> = (0..40).map(|i| LabeledPair {
/// #     pair: Pair { query: Query::new("", format!("query {i}")), item: Item::new("", "item") },
/// #     label: schema.label(usize::from(i % 4 == 0)).unwrap() }).collect();
/// let split = QuerySplit::new(vec![0.5, 0.5], 1)?;
/// let earlier = stratified_split(&split, pairs[..30].to_vec());
/// let parts = extend_stratified_split(&split, pairs, &earlier)?;
/// assert!(earlier[0].iter().all(|pair| parts[0].contains(pair)));
/// assert_eq!((parts[0].len(), parts[1].len()), (20, 20));
/// # Ok::<(), DataError>(())
/// ```
///
/// # Errors
/// [`DataError::SharedQueries`] if the earlier parts share a query; [`DataError::InvalidConfig`] if they are
/// not as many as those of the split.
pub fn extend_stratified_split(
    split: &QuerySplit,
    pairs: Vec<LabeledPair>,
    earlier: &[Vec<LabeledPair>],
) -> Result<Vec<Vec<LabeledPair>>, DataError> {
    if earlier.len() != split.num_parts() {
        return Err(DataError::InvalidConfig {
            field: "earlier parts",
            value: earlier.len().to_string(),
            allowed: format!("{}, as many as the split has", split.num_parts()),
        });
    }
    let mut known = BTreeMap::new();
    let mut shared: Vec<String> = Vec::new();
    for (part, pairs) in earlier.iter().enumerate() {
        for pair in pairs {
            let query = normalize_query(&pair.pair.query.text);
            match known.get(&query) {
                None => {
                    known.insert(query, part);
                }
                Some(other) if *other != part => shared.push(query),
                Some(_) => {}
            }
        }
    }
    shared.sort_unstable();
    shared.dedup();
    match shared.first() {
        None => Ok(deal(split, pairs, &known)),
        Some(example) => Err(DataError::SharedQueries {
            count: shared.len(),
            example: example.clone(),
        }),
    }
}

/// The pairs of each part; queries that are known stay where they are.
fn deal(
    split: &QuerySplit,
    pairs: Vec<LabeledPair>,
    known: &BTreeMap<String, usize>,
) -> Vec<Vec<LabeledPair>> {
    let parts = parts_of_queries(split, &pairs, known);
    let mut out = vec![Vec::new(); split.num_parts()];
    for pair in pairs {
        let part = parts[&normalize_query(&pair.pair.query.text)];
        out[part].push(pair);
    }
    out
}

/// The part of each normalised query.
fn parts_of_queries(
    split: &QuerySplit,
    pairs: &[LabeledPair],
    known: &BTreeMap<String, usize>,
) -> BTreeMap<String, usize> {
    let mut parts = BTreeMap::new();
    for mut queries in strata(pairs) {
        queries.sort_by(|a, b| {
            let of = |query: &str| unit_hash(split.seed(), query);
            of(&a.0).total_cmp(&of(&b.0)).then_with(|| a.0.cmp(&b.0))
        });
        let mut dealt = vec![0.0; split.num_parts()];
        let (settled, new): (Vec<_>, Vec<_>) = queries
            .into_iter()
            .partition(|(query, _)| known.contains_key(query));
        for (query, size) in settled {
            let part = known[&query];
            dealt[part] += size as f64;
            parts.insert(query, part);
        }
        for (query, size) in new {
            let part = furthest_behind(split.fractions(), &dealt, size as f64);
            dealt[part] += size as f64;
            parts.insert(query, part);
        }
    }
    parts
}

/// Normalised queries with the numbers of their pairs, grouped by the rarest label that each has.
fn strata(pairs: &[LabeledPair]) -> impl Iterator<Item = Vec<(String, usize)>> {
    let mut label_counts: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queries: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for pair in pairs {
        let label = pair.label.index();
        *label_counts.entry(label).or_default() += 1;
        let query = normalize_query(&pair.pair.query.text);
        queries.entry(query).or_default().push(label);
    }
    let mut strata: BTreeMap<usize, Vec<(String, usize)>> = BTreeMap::new();
    for (query, labels) in queries {
        let rarest = labels
            .iter()
            .copied()
            .min_by_key(|label| (label_counts[label], *label))
            .unwrap_or(0);
        let stratum = strata.entry(rarest).or_default();
        stratum.push((query, labels.len()));
    }
    strata.into_values()
}

/// The part that lacks most of its share once `size` more pairs are dealt; the first of equals.
fn furthest_behind(fractions: &[f64], dealt: &[f64], size: f64) -> usize {
    let total = dealt.iter().sum::<f64>() + size;
    let lack = |part: usize| fractions[part] * total - dealt[part];
    let open = |part: &usize| fractions[*part] > 0.0;
    (0..fractions.len())
        .filter(open)
        .fold(None, |best: Option<usize>, part| match best {
            Some(best) if lack(best) >= lack(part) => Some(best),
            _ => Some(part),
        })
        .unwrap_or(0)
}
