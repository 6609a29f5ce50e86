//! Judgments: `query 0 document relevance`.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use super::file::{check_field, open, read_lines, write_whole};
use super::table::QueryTable;
use crate::EvalError;

const LINE: &str = "query, iteration, document and an integer relevance, set apart by whitespace";

/// Judged documents of each query. A relevance of 0 or below is judged and not relevant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qrels {
    table: QueryTable<i32>,
}

impl Qrels {
    /// No judgments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a judgment; one that stands already is replaced and given back.
    pub fn insert(
        &mut self,
        query: impl Into<String>,
        document: impl Into<String>,
        relevance: i32,
    ) -> Option<i32> {
        self.table.insert(query.into(), document.into(), relevance)
    }

    /// Reads lines `query iteration document relevance`; the iteration is passed over, as trec_eval
    /// does.
    ///
    /// # Errors
    /// [`EvalError::Io`] if the stream breaks; [`EvalError::TrecLine`] for a line that is none, or judges
    /// a document twice.
    pub fn read(reader: impl BufRead) -> Result<Self, EvalError> {
        Self::parse(reader, None)
    }

    /// Reads a qrels file.
    ///
    /// # Errors
    /// [`EvalError::Io`]; otherwise as [`Qrels::read`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, EvalError> {
        let path = path.as_ref();
        Self::parse(open(path)?, Some(path))
    }

    fn parse(reader: impl BufRead, file: Option<&Path>) -> Result<Self, EvalError> {
        let mut qrels = Self::new();
        read_lines(reader, file, LINE, |fields| {
            let &[query, _, document, relevance] = fields else {
                return Err(format!("{} fields", fields.len()));
            };
            let value = relevance
                .parse()
                .map_err(|_| format!("relevance {relevance:?}"))?;
            match qrels.insert(query, document, value) {
                None => Ok(()),
                Some(_) => Err(format!("{document:?} is judged twice for {query:?}")),
            }
        })?;
        Ok(qrels)
    }

    /// Writes a qrels file, whole or not at all.
    ///
    /// # Errors
    /// [`EvalError::Io`], also for an id that is empty or holds whitespace.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), EvalError> {
        write_whole(path.as_ref(), |out| {
            for (query, documents) in self.queries() {
                check_field("query", query)?;
                for (document, relevance) in documents {
                    check_field("document", document)?;
                    writeln!(out, "{query} 0 {document} {relevance}")?;
                }
            }
            Ok(())
        })
    }

    /// The judged documents of a query.
    pub fn query(&self, query: &str) -> Option<&BTreeMap<String, i32>> {
        self.table.query(query)
    }

    /// All queries with their judged documents, in the order of the ids.
    pub fn queries(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, i32>)> {
        self.table.queries()
    }

    /// How many queries there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no query.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
