//! A value for each document of each query, and the one reader of files of them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::lines::{read_lines, shown};
use crate::EvalError;

/// What a line of qrels or of a run says of a document.
pub(super) trait Value: Sized {
    /// What a line may be, for errors.
    const LINE: &'static str;
    /// What a second line of a document does, for errors.
    const TWICE: &'static str;

    /// Query, document and value of a line's fields, or what is wrong with them.
    fn parse<'a>(fields: &[&'a str]) -> Result<(&'a str, &'a str, Self), String>;
}

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

impl<V: Value> QueryTable<V> {
    pub(super) fn read(reader: impl BufRead) -> Result<Self, EvalError> {
        Self::parse(reader, None)
    }

    pub(super) fn from_file(path: &Path) -> Result<Self, EvalError> {
        Self::parse(BufReader::new(atomic_files::open(path)?), Some(path))
    }

    fn parse(reader: impl BufRead, file: Option<&Path>) -> Result<Self, EvalError> {
        let mut table = Self::default();
        read_lines(reader, file, V::LINE, |fields| {
            let (query, document, value) = V::parse(fields)?;
            match table.insert(query.to_owned(), document.to_owned(), value) {
                None => Ok(()),
                Some(_) => Err(format!(
                    "{} {} for {}",
                    shown(document),
                    V::TWICE,
                    shown(query)
                )),
            }
        })?;
        Ok(table)
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
