//! What can be wrong with what a caller hands in.

use std::io;
use std::path::PathBuf;

use atomic_files::FileError;

/// Why an evaluation, a statistic, a file or a plot was refused.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// There is nothing to evaluate.
    #[error("{what} is empty, allowed: at least one entry")]
    Empty {
        /// The argument.
        what: &'static str,
    },
    /// Two columns of the same table differ in length.
    #[error("{what} has {found} entries, allowed: {expected}, as many as {reference}")]
    LengthMismatch {
        /// The column whose length is off.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The column that it must match.
        reference: &'static str,
        /// The length of that column.
        expected: usize,
    },
    /// A label is not the index of a class.
    #[error("`{what}[{row}]` is label {label}, allowed: below {classes}, the number of classes")]
    LabelOutOfRange {
        /// The column: `gold`, `predicted` or `labels`.
        what: &'static str,
        /// Index of the row, from 0.
        row: usize,
        /// The label found.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A row of a matrix has the wrong number of classes.
    #[error("`{what}[{row}]` has {found} entries, allowed: {expected}, one a class")]
    RowWidth {
        /// The matrix: `probabilities` or `logits`.
        what: &'static str,
        /// Index of the row, from 0.
        row: usize,
        /// Number of entries.
        found: usize,
        /// Number of classes.
        expected: usize,
    },
    /// A probability is negative or NaN.
    #[error("`probabilities[{row}][{class}]` is {value}, allowed: 0 to 1")]
    InvalidProbability {
        /// Index of the row, from 0.
        row: usize,
        /// Index of the class.
        class: usize,
        /// The value found.
        value: f64,
    },
    /// A row of probabilities is not a distribution.
    #[error(
        "`probabilities[{row}]` sums to {sum}, allowed: 1 within {tolerance} (are these logits?)"
    )]
    NotNormalized {
        /// Index of the row, from 0.
        row: usize,
        /// The sum found.
        sum: f64,
        /// The allowed distance from 1.
        tolerance: f64,
    },
    /// A number is outside its range.
    #[error("`{what}[{index}]` is {value}, allowed: {allowed}")]
    OutOfRange {
        /// The argument.
        what: &'static str,
        /// Index of the entry.
        index: usize,
        /// The value found.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// An item occurs twice under one query.
    #[error("item {item:?} occurs twice under query {query:?}, allowed: one row each")]
    DuplicateItem {
        /// The query.
        query: String,
        /// The item.
        item: String,
    },
    /// Two systems to be compared were not run on the same rows.
    #[error(
        "`{what}[{index}]` of the two systems differ, allowed: the same rows in the same order, \
         and the same classes"
    )]
    SystemsDiffer {
        /// The column that differs: `query_ids`, `item_ids`, `gold` or `classes`.
        what: &'static str,
        /// Index of the first entry that differs, from 0.
        index: usize,
    },
    /// A setting is outside its range.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The setting.
        field: &'static str,
        /// The value found.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A plot could not be drawn.
    #[error("plot `{title}`: {message}")]
    Plot {
        /// Title of the plot.
        title: String,
        /// What the drawing library says.
        message: String,
    },
    /// A figure that has no value on these data.
    #[error("{figure} is undefined: {reason}")]
    Undefined {
        /// The figure.
        figure: &'static str,
        /// What it needs.
        reason: &'static str,
    },
    /// A line of a TREC file is not what it should be.
    #[error("{}{line}: {found}, allowed: {allowed}", file.as_ref().map(|f| format!("{}:", f.display())).unwrap_or_else(|| "line ".to_owned()))]
    TrecLine {
        /// The file, if it came from one.
        file: Option<PathBuf>,
        /// The line, counted from 1.
        line: usize,
        /// What was found.
        found: String,
        /// What a line may be.
        allowed: &'static str,
    },
    /// A name that cannot stand in a TREC file, which sets its fields apart by whitespace.
    #[error("{field} {value:?} cannot stand in a TREC file, allowed: {allowed}")]
    TrecField {
        /// `query`, `document` or `tag`.
        field: &'static str,
        /// The name.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A stream broke while it was read.
    #[error("cannot read the stream: {0}")]
    Stream(io::Error),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}
