//! A system's results: `query Q0 document rank score tag`.

use std::io::BufRead;
use std::path::Path;

use super::lines::{Lines, check_field, check_query, shown};
use super::table::{QueryTable, Value};
use crate::EvalError;
use crate::ranking::trec_order;

/// Scored documents of each query. The order is that of the scores; ranks in files are passed over,
/// as trec_eval does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    table: QueryTable<f64>,
}

impl Value for f64 {
    const LINE: &'static str =
        "query, Q0, document, rank, a score that is a number and a tag, set apart by whitespace";
    const TWICE: &'static str = "comes twice";

    fn parse<'a>(fields: &[&'a str]) -> Result<(&'a str, &'a str, Self), String> {
        // A tag may be of several words: trec_eval passes over what follows the first.
        let &[query, _, document, _, score, _, ..] = fields else {
            return Err(format!("{} fields", fields.len()));
        };
        match score.parse::<f64>() {
            Ok(value) if !value.is_nan() => Ok((query, document, value)),
            _ => Err(format!("score {}", shown(score))),
        }
    }
}

impl Run {
    /// No results.
    ///
    /// ```
    /// assert!(relevance_eval::Run::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a result; one that stands already is replaced and given back.
    ///
    /// ```
    /// let mut run = relevance_eval::Run::new();
    /// assert_eq!(run.insert("q1", "a", 0.5), None);
    /// assert_eq!(run.insert("q1", "a", 0.75), Some(0.5));
    /// ```
    pub fn insert(
        &mut self,
        query: impl Into<String>,
        document: impl Into<String>,
        score: f64,
    ) -> Option<f64> {
        self.table.insert(query.into(), document.into(), score)
    }

    /// Reads lines `query Q0 document rank score tag`; blank lines and lines that begin with `#` are
    /// passed over, and so is what follows the tag.
    ///
    /// ```
    /// use relevance_eval::Run;
    ///
    /// let run = Run::read(&b"# depth 2\nq1 Q0 b 2 0.5 mine\nq1 Q0 a 1 0.75 mine\n"[..])?;
    /// assert_eq!(run.ranked("q1"), [("a", 0.75), ("b", 0.5)]);
    /// let refused = Run::read(&b"q1 Q0 a 1 much mine\n"[..]).unwrap_err().to_string();
    /// assert!(refused.starts_with("line 1: score \"much\", allowed: query, Q0"), "{refused}");
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::Stream`] if the stream breaks; [`EvalError::TrecLine`] for a line that is none, a
    /// score that is NaN, or a document that comes twice for a query (trec_eval refuses it too).
    pub fn read(reader: impl BufRead) -> Result<Self, EvalError> {
        let table = QueryTable::read(reader)?;
        Ok(Self { table })
    }

    /// Reads a run file.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run");
    /// std::fs::write(&path, "q1 Q0 a 1 0.75 mine\n")?;
    /// assert_eq!(relevance_eval::Run::from_file(&path)?.ranked("q1"), [("a", 0.75)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::File`]; otherwise as [`Run::read`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, EvalError> {
        let table = QueryTable::from_file(path.as_ref())?;
        Ok(Self { table })
    }

    /// Writes a run file, best first, whole or not at all.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run");
    /// let mut run = relevance_eval::Run::new();
    /// run.insert("q1", "b", 0.5);
    /// run.insert("q1", "a", 0.75);
    /// run.write(&path, "mine")?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "q1 Q0 a 1 0.75 mine\nq1 Q0 b 2 0.5 mine\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::File`]; [`EvalError::TrecField`] for an id or tag that could not be read back:
    /// empty, with whitespace, or a query that begins with `#`.
    pub fn write(&self, path: impl AsRef<Path>, tag: &str) -> Result<(), EvalError> {
        check_field("tag", tag)?;
        let mut out = Lines::create(path.as_ref())?;
        for query in self.queries() {
            check_query(query)?;
            for (rank, (document, score)) in self.ranked(query).into_iter().enumerate() {
                check_field("document", document)?;
                let rank = rank + 1;
                out.line(format_args!("{query} Q0 {document} {rank} {score:?} {tag}"))?;
            }
        }
        out.commit()
    }

    /// A query's documents in the order of trec_eval 9 (9.0.8 too): score descending, compared in single
    /// precision, and equal scores by document id descending, bytewise. Empty for a query without results.
    ///
    /// trec_eval 10 compares in double precision: scores that differ by less than about one part in 16
    /// million are a tie here and none there.
    ///
    /// ```
    /// let mut run = relevance_eval::Run::new();
    /// run.insert("q1", "a", 0.5);
    /// run.insert("q1", "b", 0.5); // a tie: b before a
    /// run.insert("q1", "c", 0.75);
    /// assert_eq!(run.ranked("q1"), [("c", 0.75), ("b", 0.5), ("a", 0.5)]);
    /// assert!(run.ranked("q2").is_empty());
    /// ```
    pub fn ranked(&self, query: &str) -> Vec<(&str, f64)> {
        let documents = self.table.query(query).into_iter().flatten();
        let mut ranked: Vec<(&str, f64)> = documents
            .map(|(document, &score)| (document.as_str(), score))
            .collect();
        ranked.sort_by(|a, b| trec_order(*a, *b));
        ranked
    }

    /// The ids of the queries, in their order.
    ///
    /// ```
    /// let mut run = relevance_eval::Run::new();
    /// run.insert("q2", "a", 0.5);
    /// run.insert("q1", "a", 0.5);
    /// assert_eq!(run.queries().collect::<Vec<_>>(), ["q1", "q2"]);
    /// ```
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        self.table.queries().map(|(query, _)| query)
    }

    /// Whether the query has results.
    ///
    /// ```
    /// let mut run = relevance_eval::Run::new();
    /// run.insert("q1", "a", 0.5);
    /// assert!(run.contains("q1") && !run.contains("q2"));
    /// ```
    pub fn contains(&self, query: &str) -> bool {
        self.table.query(query).is_some()
    }

    /// How many queries there are.
    ///
    /// ```
    /// let mut run = relevance_eval::Run::new();
    /// run.insert("q1", "a", 0.5);
    /// run.insert("q1", "b", 0.5);
    /// assert_eq!(run.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no query.
    ///
    /// ```
    /// assert!(relevance_eval::Run::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
