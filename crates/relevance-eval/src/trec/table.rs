//! A value for each document of each query.

use std::collections::BTreeMap;

/// What qrels and runs have in common: documents of queries, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueryTable<V> {
    queries: BTreeMap<String, BTreeMap<String, V>>,
}

impl<V> Default for QueryTable<V> {
    fn default() -> Self {
        Self {
            queries: BTreeMap::new(),
        }
    }
}

impl<V> QueryTable<V> {
    /// Adds a value; one that stands already is replaced and given back.
    pub(super) fn insert(&mut self, query: String, document: String, value: V) -> Option<V> {
        let documents = self.queries.entry(query).or_default();
        documents.insert(document, value)
    }

    pub(super) fn query(&self, query: &str) -> Option<&BTreeMap<String, V>> {
        self.queries.get(query)
    }

    /// In the order of the ids.
    pub(super) fn queries(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, V>)> {
        let queries = self.queries.iter();
        queries.map(|(query, documents)| (query.as_str(), documents))
    }

    pub(super) fn len(&self) -> usize {
        self.queries.len()
    }
}
