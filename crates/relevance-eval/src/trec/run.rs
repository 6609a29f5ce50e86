//! A system's results: `query Q0 document rank score tag`.

use std::io::BufRead;
use std::path::Path;

use super::file::{check_field, open, read_lines, write_whole};
use super::table::QueryTable;
use crate::EvalError;
use crate::ranking::trec_order;

const LINE: &str =
    "query, Q0, document, rank, a score that is a number and a tag, set apart by whitespace";

/// Scored documents of each query. The order is that of the scores; ranks in files are passed over,
/// as trec_eval does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    table: QueryTable<f64>,
}

impl Run {
    /// No results.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a result; one that stands already is replaced and given back.
    pub fn insert(
        &mut self,
        query: impl Into<String>,
        document: impl Into<String>,
        score: f64,
    ) -> Option<f64> {
        self.table.insert(query.into(), document.into(), score)
    }

    /// Reads lines `query Q0 document rank score tag`.
    ///
    /// # Errors
    /// [`EvalError::Io`] if the stream breaks; [`EvalError::TrecLine`] for a line that is none, a score
    /// that is NaN, or a document that comes twice for a query (trec_eval refuses it too).
    pub fn read(reader: impl BufRead) -> Result<Self, EvalError> {
        Self::parse(reader, None)
    }

    /// Reads a run file.
    ///
    /// # Errors
    /// [`EvalError::Io`]; otherwise as [`Run::read`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, EvalError> {
        let path = path.as_ref();
        Self::parse(open(path)?, Some(path))
    }

    fn parse(reader: impl BufRead, file: Option<&Path>) -> Result<Self, EvalError> {
        let mut run = Self::new();
        read_lines(reader, file, LINE, |fields| {
            let &[query, _, document, _, score, _] = fields else {
                return Err(format!("{} fields", fields.len()));
            };
            let value: f64 = score.parse().map_err(|_| format!("score {score:?}"))?;
            if value.is_nan() {
                return Err(format!("score {score:?}"));
            }
            match run.insert(query, document, value) {
                None => Ok(()),
                Some(_) => Err(format!("{document:?} comes twice for {query:?}")),
            }
        })?;
        Ok(run)
    }

    /// Writes a run file, best first, whole or not at all.
    ///
    /// # Errors
    /// [`EvalError::Io`], also for an id or tag that is empty or holds whitespace.
    pub fn write(&self, path: impl AsRef<Path>, tag: &str) -> Result<(), EvalError> {
        write_whole(path.as_ref(), |out| {
            check_field("tag", tag)?;
            for query in self.queries() {
                check_field("query", query)?;
                for (rank, (document, score)) in self.ranked(query).into_iter().enumerate() {
                    check_field("document", document)?;
                    writeln!(out, "{query} Q0 {document} {} {score:?} {tag}", rank + 1)?;
                }
            }
            Ok(())
        })
    }

    /// A query's documents in trec_eval's order: score descending, compared in single precision, and
    /// equal scores by document id descending, bytewise. Empty for a query without results.
    pub fn ranked(&self, query: &str) -> Vec<(&str, f64)> {
        let documents = self.table.query(query).into_iter().flatten();
        let mut ranked: Vec<(&str, f64)> = documents
            .map(|(document, &score)| (document.as_str(), score))
            .collect();
        ranked.sort_by(|a, b| trec_order(*a, *b));
        ranked
    }

    /// The ids of the queries, in their order.
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        self.table.queries().map(|(query, _)| query)
    }

    /// Whether the query has an entry, with or without documents.
    pub fn contains(&self, query: &str) -> bool {
        self.table.query(query).is_some()
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
