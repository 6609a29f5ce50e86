//! All cleaning of labelled pairs, and what it did.

use super::conflict::{Conflict, ConflictPolicy, resolve};
use super::near_duplicate::{NearDuplicateConfig, near_duplicates};
use super::text::{TextChanges, clean_text};
use crate::{DataError, Item, LabelSchema, LabeledPair, normalize_query};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// How many examples of each finding a report holds.
const EXAMPLES: usize = 20;

/// What becomes of items that are nearly the same under one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NearDuplicatePolicy {
    /// They are not looked for.
    Ignore,
    /// They are counted and stay.
    #[default]
    Report,
    /// Only the first of each group stays, whatever the others' labels.
    KeepFirst,
}

/// What is cleaned, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CleanConfig {
    /// Whether texts are cleaned ([`clean_text`]). Default yes.
    pub texts: bool,
    /// Whether copies of a pair with the same label are merged. Default yes.
    pub duplicates: bool,
    /// What becomes of pairs with different labels. Default the most frequent one.
    pub conflicts: ConflictPolicy,
    /// What becomes of items that are nearly the same under one query. Default they are reported.
    pub near_duplicates: NearDuplicatePolicy,
    /// When two items are nearly the same.
    pub near_duplicate: NearDuplicateConfig,
}

impl Default for CleanConfig {
    fn default() -> Self {
        Self {
            texts: true,
            duplicates: true,
            conflicts: ConflictPolicy::default(),
            near_duplicates: NearDuplicatePolicy::default(),
            near_duplicate: NearDuplicateConfig::default(),
        }
    }
}

impl CleanConfig {
    /// Sets whether texts are cleaned.
    #[must_use]
    pub fn with_texts(mut self, texts: bool) -> Self {
        self.texts = texts;
        self
    }

    /// Sets whether copies of a pair with the same label are merged.
    #[must_use]
    pub fn with_duplicates(mut self, duplicates: bool) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// Sets what becomes of pairs with different labels.
    #[must_use]
    pub fn with_conflicts(mut self, conflicts: ConflictPolicy) -> Self {
        self.conflicts = conflicts;
        self
    }

    /// Sets what becomes of items that are nearly the same under one query.
    #[must_use]
    pub fn with_near_duplicates(mut self, near_duplicates: NearDuplicatePolicy) -> Self {
        self.near_duplicates = near_duplicates;
        self
    }

    /// Sets when two items are nearly the same.
    #[must_use]
    pub fn with_near_duplicate(mut self, near_duplicate: NearDuplicateConfig) -> Self {
        self.near_duplicate = near_duplicate;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] as [`NearDuplicateConfig::validate`].
    pub fn validate(&self) -> Result<(), DataError> {
        self.near_duplicate.validate()
    }
}

/// What cleaning did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CleanReport {
    /// Pairs that came.
    pub pairs: usize,
    /// Pairs that are left.
    pub kept: usize,
    /// Texts that were changed, by what was found in them.
    pub texts: TextChanges,
    /// Pairs without a query or without an item text, which are left out.
    pub empty: usize,
    /// Copies of a pair with the same label, which were merged into it.
    pub duplicates: usize,
    /// Queries and items that carry different labels.
    pub conflicts: usize,
    /// The first of them.
    pub conflict_examples: Vec<Conflict>,
    /// Groups of items that are nearly the same under one query.
    pub near_duplicate_groups: usize,
    /// Pairs in these groups beyond the first.
    pub near_duplicates: usize,
    /// The titles of the first groups.
    pub near_duplicate_examples: Vec<Vec<String>>,
}

impl CleanReport {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| finding | count |\n|---|---|\n");
        for (finding, count) in [
            ("pairs read", self.pairs),
            ("pairs kept", self.kept),
            ("texts not in NFKC", self.texts.not_nfkc),
            (
                "texts with control characters",
                self.texts.control_characters,
            ),
            (
                "texts with replacement characters",
                self.texts.replacement_characters,
            ),
            ("texts with surplus whitespace", self.texts.whitespace),
            ("pairs without a query or item", self.empty),
            ("copies with the same label", self.duplicates),
            ("pairs with conflicting labels", self.conflicts),
            (
                "groups of nearly equal items of a query",
                self.near_duplicate_groups,
            ),
            ("pairs in them beyond the first", self.near_duplicates),
        ] {
            let _ = writeln!(text, "| {finding} | {count} |");
        }
        for conflict in &self.conflict_examples {
            let labels: Vec<String> = conflict
                .labels
                .iter()
                .map(|(label, count)| format!("{label} × {count}"))
                .collect();
            let _ = writeln!(
                text,
                "\nConflict: {:?} – {:?}: {}",
                conflict.query,
                conflict.item,
                labels.join(", ")
            );
        }
        text
    }
}

/// Cleans labelled pairs; those that stay keep their order.
///
/// ```
/// use relevance_data::cleaning::{CleanConfig, clean_pairs};
/// use relevance_data::*;
/// let schema = LabelSchema::esci();
/// let judged = |query: &str, label: &str| -> Result<LabeledPair, DataError> {
///     let pair = Pair { query: Query::new("", query), item: Item::new("B1", "USB-C cable") };
///     Ok(LabeledPair { pair, label: schema.parse(label)? })
/// };
/// // The same pair three times, once with another label, and one without a query.
/// let pairs = vec![judged("usb cable", "E")?, judged(" USB  cable", "E")?, judged("usb cable", "I")?, judged("", "E")?];
/// let (kept, report) = clean_pairs(pairs, &schema, &CleanConfig::default())?;
/// assert_eq!((kept.len(), kept[0].label), (1, schema.parse("Exact")?));
/// assert_eq!((report.empty, report.duplicates, report.conflicts), (1, 1, 1));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::InvalidConfig`] for a bad configuration; [`DataError::ConflictingLabels`] under
/// [`ConflictPolicy::Fail`].
pub fn clean_pairs(
    pairs: Vec<LabeledPair>,
    schema: &LabelSchema,
    config: &CleanConfig,
) -> Result<(Vec<LabeledPair>, CleanReport), DataError> {
    config.validate()?;
    let mut report = CleanReport {
        pairs: pairs.len(),
        ..CleanReport::default()
    };
    let mut kept = Vec::with_capacity(pairs.len());
    for mut pair in pairs {
        if config.texts {
            report.texts.add(clean_texts(&mut pair));
        }
        let empty = pair.pair.query.text.trim().is_empty() || pair.pair.item.text().is_empty();
        match empty {
            true => report.empty += 1,
            false => kept.push(pair),
        }
    }
    let counted = merge(kept, config.duplicates, &mut report);
    let (mut kept, conflicts) = resolve(counted, schema, config.conflicts)?;
    report.conflicts = conflicts.len();
    report.conflict_examples = conflicts.into_iter().take(EXAMPLES).collect();
    if config.near_duplicates != NearDuplicatePolicy::Ignore {
        kept = near(kept, config, &mut report)?;
    }
    report.kept = kept.len();
    Ok((kept, report))
}

fn clean_texts(pair: &mut LabeledPair) -> TextChanges {
    let Item {
        title,
        description,
        bullet_points,
        brand,
        color,
        ..
    } = &mut pair.pair.item;
    let mut changes = TextChanges::default();
    for text in [
        &mut pair.pair.query.text,
        title,
        description,
        bullet_points,
        brand,
        color,
    ] {
        let (clean, found) = clean_text(text);
        changes.add(found);
        *text = clean;
    }
    changes
}

/// What makes two pairs the same: the normalised query with its locale, and the item's id or, without
/// one, its text.
fn key(pair: &LabeledPair) -> String {
    let (query, item) = (&pair.pair.query, &pair.pair.item);
    let normal = normalize_query(&query.text);
    match item.id.is_empty() {
        true => format!(
            "{}\0{normal}\0text\0{}",
            query.locale,
            normalize_query(&item.text())
        ),
        false => format!(
            "{}\0{normal}\0id\0{}\0{}",
            query.locale, item.locale, item.id
        ),
    }
}

/// Pairs with their keys and how often they came; copies with the same label are one entry.
fn merge(
    pairs: Vec<LabeledPair>,
    duplicates: bool,
    report: &mut CleanReport,
) -> Vec<(String, LabeledPair, usize)> {
    let mut merged: Vec<(String, LabeledPair, usize)> = Vec::with_capacity(pairs.len());
    let mut known: HashMap<(String, usize), usize> = HashMap::new();
    for (index, pair) in pairs.into_iter().enumerate() {
        // Where copies stay, each is a pair of its own.
        let key = match duplicates {
            true => key(&pair),
            false => index.to_string(),
        };
        match known.get(&(key.clone(), pair.label.index())) {
            Some(&at) => {
                merged[at].2 += 1;
                report.duplicates += 1;
            }
            None => {
                known.insert((key.clone(), pair.label.index()), merged.len());
                merged.push((key, pair, 1));
            }
        }
    }
    merged
}

/// Items that are nearly the same under one query.
fn near(
    pairs: Vec<LabeledPair>,
    config: &CleanConfig,
    report: &mut CleanReport,
) -> Result<Vec<LabeledPair>, DataError> {
    let mut of_query: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        let query = &pair.pair.query;
        let key = format!("{}\0{}", query.locale, normalize_query(&query.text));
        of_query.entry(key).or_default().push(index);
    }
    let mut surplus = vec![false; pairs.len()];
    for members in of_query.values().filter(|members| members.len() > 1) {
        let texts: Vec<String> = members.iter().map(|&i| pairs[i].pair.item.text()).collect();
        for group in near_duplicates(&texts, &config.near_duplicate)? {
            report.near_duplicate_groups += 1;
            report.near_duplicates += group.len() - 1;
            if report.near_duplicate_examples.len() < EXAMPLES {
                let titles = group
                    .iter()
                    .map(|&i| pairs[members[i]].pair.item.title.clone());
                report.near_duplicate_examples.push(titles.collect());
            }
            for &i in &group[1..] {
                surplus[members[i]] = true;
            }
        }
    }
    if config.near_duplicates == NearDuplicatePolicy::Report {
        return Ok(pairs);
    }
    let kept = pairs.into_iter().zip(surplus);
    Ok(kept
        .filter(|(_, surplus)| !surplus)
        .map(|(pair, _)| pair)
        .collect())
}
