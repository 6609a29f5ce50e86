//! Parts with like label shares that share no query.
//!
//! A query comes with counts `c_l` of its pairs by label `l`; whole queries are dealt, so the shares can only be
//! met as closely as their counts allow. With `N_l` pairs of label `l` in all, `f_p` the share that part `p`
//! should get, `d_pl` what it has been dealt so far and `D_l = Σ_p d_pl`, a query goes to the part with the
//! greatest
//!
//! ```text
//! lack_p = Σ_l  c_l / N_l · ( f_p (D_l + c_l) − d_pl )
//! ```
//!
//! The bracket is how many pairs of the label the part would be short of its due, were the query dealt elsewhere.
//! `c_l / N_l` weighs a label by how much of all its pairs the query holds: a pair of a rare label counts for more
//! than one of a frequent label, for there will be few others to make up for it. For the same reason queries with
//! rare labels are dealt first, while every part still has room.
//!
//! Sechidis, Tsoumakas, Vlahavas (ECML 2011), algorithm 1, deals example by example for one label at a time, by the
//! desired count that is left; here all labels of a query are looked at together, since a query with ten Exact and
//! one Complement item moves both.

use super::query_split::unit_hash;
use crate::{DataError, LabeledPair, QuerySplit, normalize_query};
use std::collections::BTreeMap;

/// Splits by normalised query so that the parts have nearly the same shares of labels and their
/// expected sizes, which a plain hash gives only for many queries.
///
/// Queries are taken by their rarest label (those that have a Complement item first, if that is the rarest), in
/// the order of their hash where that is the same, and each is dealt to the part that lacks most of what it
/// has, label by label (after Sechidis, Tsoumakas and Vlahavas 2011, ECML, with a query as the example and its
/// pairs' labels as its labels).
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
    let (queries, label_counts) = counts(pairs);
    let mut deal = Deal {
        fractions: split.fractions(),
        dealt: vec![vec![0.0; label_counts.len()]; split.num_parts()],
        label_counts: &label_counts,
    };
    let mut parts = BTreeMap::new();
    let (settled, mut new): (Vec<_>, Vec<_>) = queries
        .into_iter()
        .partition(|(query, _)| known.contains_key(query));
    for (query, labels) in settled {
        deal.give(known[&query], &labels);
        parts.insert(query.clone(), known[&query]);
    }
    new.sort_by_cached_key(|(query, labels)| {
        let place = unit_hash(split.seed(), query).to_bits();
        (rarest(labels, &label_counts), place, query.clone())
    });
    for (query, labels) in new {
        let part = deal.furthest_behind(&labels);
        deal.give(part, &labels);
        parts.insert(query, part);
    }
    parts
}

/// How many pairs of each label each normalised query has.
type LabelsOfQueries = BTreeMap<String, Vec<usize>>;

/// How many pairs each normalised query has of each label, and how many there are of each label.
fn counts(pairs: &[LabeledPair]) -> (LabelsOfQueries, Vec<usize>) {
    let classes = pairs.iter().map(|pair| pair.label.index() + 1).max();
    let mut label_counts = vec![0; classes.unwrap_or(0)];
    let mut queries = LabelsOfQueries::new();
    for pair in pairs {
        let label = pair.label.index();
        label_counts[label] += 1;
        let query = normalize_query(&pair.pair.query.text);
        let labels = queries.entry(query);
        labels.or_insert_with(|| vec![0; label_counts.len()])[label] += 1;
    }
    (queries, label_counts)
}

/// How often the rarest label of a query occurs, and which it is: queries with few of their kind come first,
/// while there is still room to spread them.
fn rarest(labels: &[usize], label_counts: &[usize]) -> (usize, usize) {
    let own = labels.iter().enumerate().filter(|(_, count)| **count > 0);
    let rarest = own.map(|(label, _)| (label_counts[label], label)).min();
    rarest.unwrap_or_default()
}

/// What has been dealt so far.
struct Deal<'a> {
    fractions: &'a [f64],
    /// Pairs by part and label.
    dealt: Vec<Vec<f64>>,
    label_counts: &'a [usize],
}

impl Deal<'_> {
    fn give(&mut self, part: usize, labels: &[usize]) {
        for (dealt, count) in self.dealt[part].iter_mut().zip(labels) {
            *dealt += *count as f64;
        }
    }

    /// The part that lacks most of what a query has, each label counted by its share of that label; the first
    /// of equals.
    fn furthest_behind(&self, labels: &[usize]) -> usize {
        let lack = |part: usize| -> f64 {
            let of_label = |(label, &count): (usize, &usize)| {
                let all: f64 = self.dealt.iter().map(|dealt| dealt[label]).sum();
                let due = self.fractions[part] * (all + count as f64);
                let share = count as f64 / self.label_counts[label].max(1) as f64;
                share * (due - self.dealt[part][label])
            };
            labels.iter().enumerate().map(of_label).sum()
        };
        let open = (0..self.fractions.len()).filter(|&part| self.fractions[part] > 0.0);
        let lacks = open.map(|part| (part, lack(part)));
        let most = lacks.reduce(|best, next| if next.1 > best.1 { next } else { best });
        most.map_or(0, |(part, _)| part)
    }
}
