//! What can be wrong with what a caller hands in.

/// Why an evaluation, a statistic or a plot was refused.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// There is nothing to evaluate.
    #[error("{what} is empty; at least one entry is needed")]
    Empty {
        /// The argument.
        what: &'static str,
    },
    /// Two columns of the same table differ in length.
    #[error("{what} has {found} entries, but {expected} are needed to match {reference}")]
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
    #[error("{what}[{row}] is label {label}; allowed are 0..{classes}")]
    LabelOutOfRange {
        /// The column: `gold` or `predicted`.
        what: &'static str,
        /// Index of the row, from 0.
        row: usize,
        /// The label found.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A row of probabilities has the wrong number of classes.
    #[error("probabilities[{row}] has {found} entries; {expected} classes are declared")]
    RowWidth {
        /// Index of the row, from 0.
        row: usize,
        /// Number of entries.
        found: usize,
        /// Number of classes.
        expected: usize,
    },
    /// A probability is NaN.
    #[error("probabilities[{row}][{class}] is NaN; allowed are numbers in [0, 1]")]
    NanProbability {
        /// Index of the row, from 0.
        row: usize,
        /// Index of the class.
        class: usize,
    },
    /// A probability is below zero.
    #[error("probabilities[{row}][{class}] is {value}; allowed are numbers in [0, 1]")]
    NegativeProbability {
        /// Index of the row, from 0.
        row: usize,
        /// Index of the class.
        class: usize,
        /// The value found.
        value: f64,
    },
    /// A row of probabilities is not a distribution.
    #[error(
        "probabilities[{row}] sums to {sum}; allowed is 1 within {tolerance}: are these logits?"
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
    #[error("{what}[{index}] is {value}; allowed: {allowed}")]
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
    #[error("item `{item}` occurs twice under query `{query}`; trec_eval allows one row each")]
    DuplicateItem {
        /// The query.
        query: String,
        /// The item.
        item: String,
    },
    /// Two systems to be compared were not run on the same rows.
    #[error(
        "row {row}: the two systems differ in {what}; both must hold the same rows in the same order"
    )]
    SystemsDiffer {
        /// Index of the row, from 0.
        row: usize,
        /// The column that differs.
        what: &'static str,
    },
    /// A setting is outside its range.
    #[error("{field} is {value}; allowed: {allowed}")]
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
    #[error("{}{line}: {found}; allowed: {allowed}", file.as_ref().map(|f| format!("{}:", f.display())).unwrap_or_else(|| "line ".to_owned()))]
    TrecLine {
        /// The file, if it came from one.
        file: Option<std::path::PathBuf>,
        /// The line, counted from 1.
        line: usize,
        /// What was found.
        found: String,
        /// What a line may be.
        allowed: &'static str,
    },
    /// A file could not be read or written.
    #[error("{}: cannot {action}: {message}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What was tried, as an infinitive.
        action: &'static str,
        /// The operating system's answer.
        message: String,
    },
}
