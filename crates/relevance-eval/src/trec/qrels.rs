//! Judgments: `query 0 document relevance`.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use super::lines::{Lines, check_field, check_query, shown};
use super::table::{QueryTable, Value};
use crate::EvalError;

/// Judged documents of each query. A relevance of 0 or below is judged and not relevant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qrels {
    table: QueryTable<i32>,
}

impl Value for i32 {
    const LINE: &'static str = "query, iteration, document and a relevance that is a 32-bit integer, set apart by whitespace";
    const TWICE: &'static str = "is judged twice";

    fn parse<'a>(fields: &[&'a str]) -> Result<(&'a str, &'a str, Self), String> {
        let &[query, _, document, relevance] = fields else {
            return Err(format!("{} fields", fields.len()));
        };
        let value = relevance.parse();
        let value = value.map_err(|_| format!("relevance {}", shown(relevance)))?;
        Ok((query, document, value))
    }
}

impl Qrels {
    /// No judgments.
    ///
    /// ```
    /// assert!(relevance_eval::Qrels::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a judgment; one that stands already is replaced and given back.
    ///
    /// ```
    /// let mut qrels = relevance_eval::Qrels::new();
    /// assert_eq!(qrels.insert("q1", "a", 1), None);
    /// assert_eq!(qrels.insert("q1", "a", 3), Some(1));
    /// ```
    pub fn insert(
        &mut self,
        query: impl Into<String>,
        document: impl Into<String>,
        relevance: i32,
    ) -> Option<i32> {
        self.table.insert(query.into(), document.into(), relevance)
    }

    /// Reads lines `query iteration document relevance`; the iteration is passed over, as trec_eval
    /// does, and so are blank lines and lines that begin with `#`.
    ///
    /// ```
    /// use relevance_eval::Qrels;
    ///
    /// let qrels = Qrels::read(&b"# judged by hand\nq1 0 a 3\nq1 0 b 0\n"[..])?;
    /// assert_eq!(qrels.query("q1").map(|judged| judged["a"]), Some(3));
    /// let refused = Qrels::read(&b"q1 0 a 3\nq1 0 a 0\n"[..]).unwrap_err().to_string();
    /// assert!(refused.starts_with("line 2: \"a\" is judged twice for \"q1\""), "{refused}");
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::Stream`] if the stream breaks; [`EvalError::TrecLine`] for a line that is none, or
    /// judges a document twice.
    pub fn read(reader: impl BufRead) -> Result<Self, EvalError> {
        let table = QueryTable::read(reader)?;
        Ok(Self { table })
    }

    /// Reads a qrels file.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("qrels");
    /// std::fs::write(&path, "q1 0 a 3\nq2 0 a 0\n")?;
    /// assert_eq!(relevance_eval::Qrels::from_file(&path)?.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::File`]; otherwise as [`Qrels::read`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, EvalError> {
        let table = QueryTable::from_file(path.as_ref())?;
        Ok(Self { table })
    }

    /// Writes a qrels file, whole or not at all.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("qrels");
    /// let mut qrels = relevance_eval::Qrels::new();
    /// qrels.insert("q1", "a", 3);
    /// qrels.write(&path)?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "q1 0 a 3\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::File`]; [`EvalError::TrecField`] for an id that could not be read back: empty, with
    /// whitespace, or a query that begins with `#`.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), EvalError> {
        let mut out = Lines::create(path.as_ref())?;
        for (query, documents) in self.queries() {
            check_query(query)?;
            for (document, relevance) in documents {
                check_field("document", document)?;
                out.line(format_args!("{query} 0 {document} {relevance}"))?;
            }
        }
        out.commit()
    }

    /// The judged documents of a query; none for a query without a judgment.
    ///
    /// ```
    /// let mut qrels = relevance_eval::Qrels::new();
    /// qrels.insert("q1", "a", 3);
    /// assert_eq!(qrels.query("q1").map(|judged| judged["a"]), Some(3));
    /// assert_eq!(qrels.query("q2"), None);
    /// ```
    pub fn query(&self, query: &str) -> Option<&BTreeMap<String, i32>> {
        self.table.query(query)
    }

    /// All queries with their judged documents, in the order of the ids.
    ///
    /// ```
    /// let mut qrels = relevance_eval::Qrels::new();
    /// qrels.insert("q2", "a", 3);
    /// qrels.insert("q1", "a", 0);
    /// let queries: Vec<_> = qrels.queries().map(|(query, _)| query).collect();
    /// assert_eq!(queries, ["q1", "q2"]);
    /// ```
    pub fn queries(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, i32>)> {
        self.table.queries()
    }

    /// How many queries there are.
    ///
    /// ```
    /// let mut qrels = relevance_eval::Qrels::new();
    /// qrels.insert("q1", "a", 3);
    /// qrels.insert("q1", "b", 0);
    /// assert_eq!(qrels.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no query.
    ///
    /// ```
    /// assert!(relevance_eval::Qrels::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
