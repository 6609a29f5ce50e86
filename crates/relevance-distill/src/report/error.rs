//! Why a page could not be made.

use relevance_eval::EvalError;

/// A report that does not fit together.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A figure could not be drawn.
    #[error("figure `{figure}`: {source}")]
    Figure {
        /// Title of the figure.
        figure: String,
        /// What was wrong with its data.
        source: EvalError,
    },
    /// A student's distribution does not fit the classes.
    #[error(
        "example {example}, system `{system}`: {found} probabilities; {expected} classes are named"
    )]
    DistributionWidth {
        /// Index of the example, from 0.
        example: usize,
        /// Name of the system.
        system: String,
        /// Number of probabilities.
        found: usize,
        /// Number of class names.
        expected: usize,
    },
}
