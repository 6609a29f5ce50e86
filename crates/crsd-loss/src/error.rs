//! What can be wrong with a configuration or a batch.

use thiserror::Error;

/// Why a loss could not be built or computed.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CrsdLossError {
    /// A configuration value lies outside its range.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// Name of the field, as in the configuration file.
        field: &'static str,
        /// The value that was given.
        value: f64,
        /// The range that would have been accepted.
        allowed: &'static str,
    },
    /// An argument that changes from step to step lies outside its range.
    #[error("argument `{argument}` is {value}, allowed: {allowed}")]
    InvalidArgument {
        /// Name of the argument.
        argument: &'static str,
        /// The value that was given.
        value: f64,
        /// The range that would have been accepted.
        allowed: &'static str,
    },
    /// There is nothing to average: the batch holds no examples.
    #[error("`{tensor}` has shape {shape:?}: the batch is empty; at least one example is needed")]
    EmptyBatch {
        /// Name of the tensor that was looked at.
        tensor: &'static str,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// Two tensors that describe the same batch do not fit together.
    #[error("`{tensor}` has shape {found:?}; expected {expected:?} to fit `{reference}`")]
    ShapeMismatch {
        /// Name of the tensor that does not fit.
        tensor: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that would have fitted.
        expected: Vec<usize>,
        /// The tensor that sets the expectation.
        reference: &'static str,
    },
    /// The configuration has a part that learns, and the step came without it.
    #[error(
        "`{field}` needs parameters; build `CrsdHeads` from the same configuration \
         and pass it with `CrsdStep::with_heads`"
    )]
    MissingHeads {
        /// Name of the field, as in the configuration file.
        field: &'static str,
    },
    /// The configuration weighs by the teacher's confidence, and the step came without it.
    #[error(
        "`align_weighting` is `teacher_confidence`; pass the teacher's class probabilities with \
         `CrsdStep::with_teacher_probabilities`"
    )]
    MissingTeacher,
    /// A memory queue does not go with the rest of the configuration.
    #[error("a memory queue is refused: {reason}")]
    QueueRefused {
        /// What stands against it, and what would be allowed.
        reason: &'static str,
    },
    /// A label is no class of the classifier.
    #[error("label of row {row} is {label}, allowed: 0..{num_classes}")]
    LabelOutOfRange {
        /// Row of the batch, from 0.
        row: usize,
        /// The label that was given.
        label: usize,
        /// Number of classes.
        num_classes: usize,
    },
    /// The chunks of a batch do not hold each of its rows once.
    #[error(
        "chunks: row {row} stands twice or is out of range, allowed: each row of 0..{batch_size} once"
    )]
    ChunkRow {
        /// The row.
        row: usize,
        /// Rows in all chunks together.
        batch_size: usize,
    },
    /// A pass of gradient caching built a graph where it must not, or none where it must.
    #[error(
        "gradient caching, {pass} pass: the outputs must be on an autodiff device, without a graph \
         in the first pass (`without_graph`) and with one in the second"
    )]
    GradCacheGraph {
        /// `first` or `second`.
        pass: &'static str,
    },
    /// The device could not hand back the values that were asked for.
    #[error("reading {what} back from the device failed: {reason}")]
    Device {
        /// What was being read.
        what: &'static str,
        /// The device's own words.
        reason: String,
    },
}
