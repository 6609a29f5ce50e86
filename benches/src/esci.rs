//! Real texts: the carried sample of the Shopping Queries data set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use relevance_data::{DataError, EsciDataset, EsciFilter, LabeledPair};

/// Which of an item's texts a model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// The title: 35 tokens a pair on average, 11 to 97.
    Title,
    /// Title, brand, colour, bullet points and description, as the recipes use them: 110 tokens on
    /// average, cut at 128.
    Text,
}

impl Fields {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Title, Self::Text];

    /// The name in cases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Text => "text",
        }
    }
}

/// A query and what a first stage might have found for it.
#[derive(Debug, Clone)]
pub struct RerankList {
    /// The query.
    pub query: String,
    /// The items' texts.
    pub items: Vec<String>,
}

/// A step through the sample that meets every pair: a prime above its size.
const STRIDE: usize = 7919;

/// (query, item) pairs, `count` of them, from all over the sample; the same every time.
///
/// # Errors
/// As [`EsciDataset::pairs`].
pub fn pairs(fields: Fields, count: usize) -> Result<Vec<(String, String)>, DataError> {
    let sample = sample()?;
    let chosen = (0..count).map(|i| &sample[i * STRIDE % sample.len()]);
    let text = |row: &LabeledPair| (row.pair.query.text.clone(), item(row, fields));
    Ok(chosen.map(text).collect())
}

/// Lists of `items` items for `count` queries, those with the most judgments first: the items judged for
/// the query, then others.
///
/// # Errors
/// As [`EsciDataset::pairs`].
pub fn rerank_lists(
    fields: Fields,
    count: usize,
    items: usize,
) -> Result<Vec<RerankList>, DataError> {
    let sample = sample()?;
    let mut judged: BTreeMap<&str, Vec<&LabeledPair>> = BTreeMap::new();
    for row in &sample {
        judged.entry(&row.pair.query.text).or_default().push(row);
    }
    let mut queries: Vec<_> = judged.into_iter().collect();
    queries.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let lists = queries.into_iter().take(count).enumerate();
    let others = |list: usize| (1..).map(move |i| (list + i) * STRIDE);
    Ok(lists
        .map(|(list, (query, own))| {
            let others = others(list).map(|i| &sample[i % sample.len()]);
            let rows = own.into_iter().chain(others).take(items);
            RerankList {
                query: query.to_owned(),
                items: rows.map(|row| item(row, fields)).collect(),
            }
        })
        .collect())
}

fn item(row: &LabeledPair, fields: Fields) -> String {
    match fields {
        Fields::Title => row.pair.item.title.clone(),
        Fields::Text => row.pair.item.text(),
    }
}

fn sample() -> Result<Vec<LabeledPair>, DataError> {
    EsciDataset::open(repository().join("examples/data"))?.pairs(&EsciFilter::default())
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("benches lies in the repository")
        .to_owned()
}
