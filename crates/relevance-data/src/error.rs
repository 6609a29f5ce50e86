//! What can be wrong with the data, said with the evidence.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything this crate can refuse.
///
/// Each message names the file (and the line, row or field where there is one),
/// what was found, and what was allowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be begun, completed or put in its place.
    #[error(transparent)]
    File(#[from] atomic_files::FileError),
    /// A file or folder could not be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as an infinitive ("open", "write", ...).
        action: &'static str,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A line of a JSON Lines file is not the expected record.
    #[error("{}:{line}: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the parser found.
        message: String,
    },
    /// A record could not be written as JSON.
    #[error("{}: record {record} cannot be written as JSON: {source}", path.display())]
    Serialize {
        /// The file that was to be written.
        path: PathBuf,
        /// The record, counted from 1.
        record: usize,
        /// The serializer's answer.
        source: serde_json::Error,
    },
    /// A label schema that contradicts itself.
    #[error("label schema {schema:?}: {reason}")]
    InvalidSchema {
        /// The schema's name.
        schema: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A label that the schema does not have.
    #[error("unknown label {value:?}; allowed: {}", allowed.join(", "))]
    UnknownLabel {
        /// What was found.
        value: String,
        /// The names (and aliases) of the schema.
        allowed: Vec<String>,
    },
    /// A label that the schema does not have, found in a file.
    #[error("{}: {position}: unknown label {value:?}; allowed: {}", path.display(), allowed.join(", "))]
    UnknownLabelInFile {
        /// The file.
        path: PathBuf,
        /// The line or row.
        position: Position,
        /// What was found.
        value: String,
        /// The names (and aliases) of the schema.
        allowed: Vec<String>,
    },
    /// A class index that the schema does not have.
    #[error("class index {index} is outside the schema; allowed: 0..{classes}")]
    LabelIndex {
        /// What was asked for.
        index: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A setting with a value that makes no sense.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The setting's name.
        field: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// A record's field holds a value outside its range.
    #[error("{}: {position}: field {field:?} = {value}; allowed: {allowed}", path.display())]
    InvalidField {
        /// The file.
        path: PathBuf,
        /// The line or row.
        position: Position,
        /// The field or column.
        field: &'static str,
        /// What was found.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The same normalised query stands in parts that must be apart.
    #[error(
        "{count} normalised queries stand in more than one part, the first is {example:?}; none may be shared"
    )]
    SharedQueries {
        /// How many are shared.
        count: usize,
        /// The first of them in alphabetical order.
        example: String,
    },
    /// A row names a part that is not among the expected ones.
    #[error("row {row}: unknown split {value:?}; allowed: {}", allowed.join(", "))]
    UnknownSplit {
        /// The row, counted from 0.
        row: usize,
        /// What was found.
        value: String,
        /// The names that are expected.
        allowed: Vec<String>,
    },
    /// A row of a table cannot be used.
    #[error("{}: {position}{}: {message}", path.display(), column.as_ref().map(|c| format!(", column {c:?}")).unwrap_or_default())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line or row.
        position: Position,
        /// The column, where one is at fault.
        column: Option<String>,
        /// What kind of fault it is.
        fault: RowFault,
        /// What was found and what is allowed.
        message: String,
    },
    /// A table lacks a column that was asked for.
    #[error("{}: no column {column:?}; there are: {}", path.display(), listed(available))]
    UnknownColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns that there are.
        available: Vec<String>,
    },
    /// A parquet file lacks a column.
    #[error("{}: no column {column:?}; needed: {}", path.display(), needed.join(", "))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// All the columns that are needed.
        needed: Vec<String>,
    },
    /// A parquet column has a type that cannot be used.
    #[error("{}: column {column:?} is {found}; allowed: {allowed}", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The type found.
        found: String,
        /// The types that can be read.
        allowed: &'static str,
    },
    /// No row is left after filtering.
    #[error("{}: no row with {filter}; the file has {available}", path.display())]
    EmptySelection {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        filter: String,
        /// What there is.
        available: String,
    },
    /// A parquet file cannot be read.
    #[cfg(feature = "parquet")]
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The parquet reader's answer.
        source: parquet::errors::ParquetError,
    },
    /// A row batch of a parquet file cannot be decoded.
    #[cfg(feature = "parquet")]
    #[error("{}: {source}", path.display())]
    Arrow {
        /// The file.
        path: PathBuf,
        /// The arrow reader's answer.
        source: arrow_schema::ArrowError,
    },
    /// A query and an item carry different labels, and the policy is to fail.
    #[error("query {query:?}, item {item:?}: conflicting labels {}; one was allowed", labels.join(", "))]
    ConflictingLabels {
        /// The query's text.
        query: String,
        /// The item's title.
        item: String,
        /// The labels with how often each was given.
        labels: Vec<String>,
    },
    /// A background thread panicked.
    #[error("background work failed: {0}")]
    Worker(String),
    /// Too little data for what was asked.
    #[error("{needed} needed, {found} found")]
    NotEnoughData {
        /// What is needed.
        needed: String,
        /// What there is.
        found: String,
    },
}

/// Where in a file something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// A line of a text file, counted from 1.
    Line(usize),
    /// A row of a table, counted from 0 as pandas does.
    Row(usize),
    /// A row of a parquet file, counted from 0 over the whole file, and its row group.
    RowOfGroup {
        /// The row.
        row: usize,
        /// The row group, counted from 0.
        group: usize,
    },
}

/// Why a row of a table cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowFault {
    /// A value that is needed is missing or empty.
    MissingValue,
    /// A label that the schema does not have.
    UnknownLabel,
    /// A line that is no JSON object.
    BadJson,
    /// Text that is not UTF-8.
    BadUtf8,
    /// More or fewer fields than columns.
    FieldCount,
    /// A value of a type that cannot be read as text.
    ValueType,
    /// A query or product that the other file lacks.
    MissingReference,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::RowOfGroup { row, group } => write!(f, "row {row} (row group {group})"),
        }
    }
}

impl DataError {
    /// An [`Io`](Self::Io) error, for use with `map_err`.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    /// A [`Json`](Self::Json) error of a line. What serde_json found stands there without the line that it
    /// counts within what it was given: the message names that of the file.
    pub(crate) fn json(path: &Path, line: usize, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = match text.strip_suffix(&place) {
            Some(what) => format!("{what} (column {})", error.column()),
            None => text,
        };
        Self::Json {
            path: path.to_owned(),
            line,
            message,
        }
    }

    /// The same error, placed in a file if it is an [`UnknownLabel`](Self::UnknownLabel).
    pub(crate) fn in_file(self, path: &Path, position: Position) -> Self {
        match self {
            Self::UnknownLabel { value, allowed } => Self::UnknownLabelInFile {
                path: path.to_owned(),
                position,
                value,
                allowed,
            },
            other => other,
        }
    }
}

/// Names that a file gave, which may be no text at all.
pub(crate) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    if names.is_empty() {
        return "none, the file is empty".to_owned();
    }
    let shown = names.iter().map(|name| name.as_ref().escape_debug());
    let shown: Vec<String> = shown.map(|name| name.to_string()).collect();
    shown.join(", ")
}
