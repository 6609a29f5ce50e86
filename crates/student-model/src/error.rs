//! What can go wrong, with the evidence.

use std::fmt;
use std::path::{Path, PathBuf};

use hf_folder::{FolderError, UnknownArchitecture};

use crate::LayerFault;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudentError {
    /// A model folder could not be read or written, or its tensors are not those of the model that its
    /// `config.json` describes.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A configuration value is outside what is allowed.
    #[error("{}`{field}` is {value}, allowed: {allowed}", file.as_ref().map(|f| format!("{}: ", f.display())).unwrap_or_default())]
    InvalidConfig {
        /// The file it was read from, if any.
        file: Option<PathBuf>,
        /// The field.
        field: String,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// Layers were chosen that cannot make a model.
    #[error("layers {layers:?}: {reason} ({available} layers, 0 to {})", available.saturating_sub(1))]
    Layers {
        /// What was chosen.
        layers: Vec<usize>,
        /// How many layers there are.
        available: usize,
        /// What is wrong with the choice.
        reason: LayerFault,
    },
    /// A tokenizer could not be read, trained or applied.
    #[error("tokenizer {what}: {message}")]
    Tokenizer {
        /// The file or step.
        what: String,
        /// What was wrong.
        message: String,
    },
    /// The query is empty or blank.
    #[error("the query is empty")]
    EmptyQuery,
    /// Tokens that the model cannot read.
    #[error("pair {index} has {found}, allowed: {allowed}")]
    Encoding {
        /// Index of the pair.
        index: usize,
        /// What it has.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// The model's output is not a number.
    #[error("the model gave a probability that is not finite for pair {index}")]
    NonFinite {
        /// Index of the first such pair.
        index: usize,
    },
    /// The deadline passed before all pairs were scored.
    #[error("the deadline passed with {done} of {total} pairs scored")]
    DeadlineExceeded {
        /// Pairs that were scored.
        done: usize,
        /// Pairs that were asked for.
        total: usize,
    },
    /// A micro-batcher has no room for a request now.
    #[error(
        "the queue is full: {waiting} pairs wait, {pairs} more were asked for, {capacity} have room"
    )]
    QueueFull {
        /// Pairs that wait.
        waiting: usize,
        /// Pairs of the request that was refused.
        pairs: usize,
        /// Pairs that may wait.
        capacity: usize,
    },
    /// The micro-batcher was dropped, or drained, before the request was scored.
    #[error("the micro-batcher was shut down before the request was scored")]
    ShutDown,
    /// The model panicked on the pairs of this request.
    #[error("the model panicked: {0}")]
    Panicked(String),
    /// A worker thread could not be started.
    #[error("starting a worker thread: {0}")]
    Worker(std::io::Error),
    /// Results could not be read back from the device.
    #[error("reading results from the device: {0}")]
    Device(String),
    /// Text could not be turned into tokens, or tokens into a batch.
    #[error(transparent)]
    Tokens(Box<pair_tokenizer::PairTokenizerError>),
    /// The training data were refused.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Data(Box<relevance_data::DataError>),
    /// There is nothing to train on.
    #[cfg(feature = "train")]
    #[error("there are no training examples: at least 1 is needed")]
    NoExamples,
    /// An example cannot be used.
    #[cfg(feature = "train")]
    #[error("example {index} (query {query:?}): {reason}")]
    Example {
        /// Its index in the slice given.
        index: usize,
        /// Its query.
        query: String,
        /// Why.
        reason: String,
    },
    /// A batch lacks what its objective reads: the objective did not ask for it.
    #[cfg(feature = "train")]
    #[error("the batch has no {what}: an objective that reads it says so in `{asked_in}`")]
    BatchLacks {
        /// What is not there.
        what: &'static str,
        /// The method of [`Objective`](crate::Objective) that asks for it.
        asked_in: &'static str,
    },
    /// An objective takes another number of forward passes than it asked for.
    #[cfg(feature = "train")]
    #[error(
        "the step takes {expected} forward passes and was given {found}: `Objective::passes` asks \
         for as many as `Objective::step` takes"
    )]
    PassCount {
        /// How many there were.
        found: usize,
        /// How many the objective's step takes.
        expected: usize,
    },
    /// An objective of one's own failed, with its own error.
    #[cfg(feature = "train")]
    #[error("the objective {name}: {source}")]
    Objective {
        /// The objective's name.
        name: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The evaluator failed, with its own error.
    #[cfg(feature = "train")]
    #[error("the evaluator failed: {source}")]
    Evaluation {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The memory queue of a checkpoint cannot be read back.
    #[cfg(feature = "train")]
    #[error("the checkpoint's memory queue: {reason}")]
    QueueState {
        /// What is wrong with it.
        reason: String,
    },
    /// The objective refused its configuration or a batch.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Loss(Box<crsd_loss::CrsdLossError>),
    /// The training loop stopped.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Train(Box<training_loop::TrainError>),
}

impl From<UnknownArchitecture> for StudentError {
    fn from(error: UnknownArchitecture) -> Self {
        Self::invalid("model_type", error.found, error.allowed)
    }
}

impl From<pair_tokenizer::PairTokenizerError> for StudentError {
    fn from(error: pair_tokenizer::PairTokenizerError) -> Self {
        Self::Tokens(Box::new(error))
    }
}

#[cfg(feature = "train")]
impl From<relevance_data::DataError> for StudentError {
    fn from(error: relevance_data::DataError) -> Self {
        Self::Data(Box::new(error))
    }
}

#[cfg(feature = "train")]
impl From<crsd_loss::CrsdLossError> for StudentError {
    fn from(error: crsd_loss::CrsdLossError) -> Self {
        Self::Loss(Box::new(error))
    }
}

#[cfg(feature = "train")]
impl From<training_loop::TrainError> for StudentError {
    fn from(error: training_loop::TrainError) -> Self {
        Self::Train(Box::new(error))
    }
}

impl StudentError {
    /// The error of an [`Objective`](crate::Objective) of one's own, kept as the source; a
    /// [`StudentError`] stays what it is.
    ///
    /// ```
    /// use student_model::StudentError;
    ///
    /// let error = StudentError::objective("focal", "the item has no price");
    /// assert_eq!(error.to_string(), "the objective focal: the item has no price");
    /// let own = StudentError::objective("focal", StudentError::NoExamples);
    /// assert!(matches!(own, StudentError::NoExamples));
    /// ```
    #[cfg(feature = "train")]
    pub fn objective(
        name: impl Into<String>,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let name = name.into();
        Self::own_or(error.into(), |source| Self::Objective { name, source })
    }

    /// Takes an error of this crate out of its box; `wrap` takes any other.
    #[cfg(feature = "train")]
    pub(crate) fn own_or(
        error: Box<dyn std::error::Error + Send + Sync>,
        wrap: impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Self,
    ) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => *own,
            Err(foreign) => wrap(foreign),
        }
    }

    pub(crate) fn tokenizer(what: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Tokenizer {
            what: what.into(),
            message: message.to_string(),
        }
    }

    pub(crate) fn invalid(
        field: &str,
        value: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::InvalidConfig {
            file: None,
            field: field.to_owned(),
            value: value.to_string(),
            allowed: allowed.into(),
        }
    }

    /// Says which file the value stood in.
    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        if let Self::InvalidConfig { file, .. } = &mut self {
            *file = Some(path.to_owned());
        }
        self
    }
}
