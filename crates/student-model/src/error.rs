//! What can go wrong, with the evidence.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::LayerFault;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudentError {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not the JSON it should be.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// A configuration value is outside what is allowed.
    #[error("{}{key} is {found}, allowed: {allowed}", file.as_ref().map(|f| format!("{}: ", f.display())).unwrap_or_default())]
    InvalidConfig {
        /// The file it was read from, if any.
        file: Option<PathBuf>,
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// The tensors of a checkpoint are not those of the model its `config.json` describes.
    #[error("{0}")]
    CheckpointMismatch(Box<CheckpointMismatch>),
    /// A `safetensors` file could not be read or written.
    #[error("{}: {message}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        message: String,
    },
    /// A file that the index of a sharded checkpoint names is not in the folder.
    #[error("{}: {shard} is not in the folder, where {tensors} tensors should be", index.display())]
    MissingShard {
        /// The index.
        index: PathBuf,
        /// The file's name.
        shard: String,
        /// How many tensors the index puts there.
        tensors: usize,
    },
    /// A shard lacks tensors that the index puts there.
    #[error("{}: {shard} lacks {}", index.display(), list(names.iter().cloned()))]
    ShardLacksTensors {
        /// The index.
        index: PathBuf,
        /// The file's name.
        shard: String,
        /// The tensors.
        names: Vec<String>,
    },
    /// A checkpoint holds a tensor twice: in two shards, or under an old and a new name.
    #[error("{}: {first} and {second} are the same tensor", path.display())]
    DuplicateTensor {
        /// The file, or the index of the shards.
        path: PathBuf,
        /// One of the two, and its shard.
        first: String,
        /// The other.
        second: String,
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
    /// A folder to be written holds something that a model folder does not.
    #[error("{} holds {entry}, which is not part of a model folder: name a new or an empty folder", dir.display())]
    FolderOccupied {
        /// The folder.
        dir: PathBuf,
        /// The first foreign entry.
        entry: String,
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
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn json(path: &Path, source: serde_json::Error) -> Self {
        Self::Json {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn checkpoint(path: &Path, message: impl fmt::Display) -> Self {
        Self::Checkpoint {
            path: path.to_owned(),
            message: message.to_string(),
        }
    }

    pub(crate) fn tokenizer(what: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Tokenizer {
            what: what.into(),
            message: message.to_string(),
        }
    }

    pub(crate) fn invalid(key: &str, found: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self::InvalidConfig {
            file: None,
            key: key.to_owned(),
            found: found.to_string(),
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

/// How the tensors of a checkpoint differ from those of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointMismatch {
    /// The checkpoint file.
    pub path: PathBuf,
    /// Tensors of the model that the file lacks, with their shapes.
    pub missing: Vec<(String, Vec<usize>)>,
    /// Tensors of the file that the model does not have, with their shapes.
    pub unexpected: Vec<(String, Vec<usize>)>,
    /// Tensors with another shape than the model's.
    pub misshapen: Vec<Misshapen>,
}

/// A tensor whose shape in the file is not the model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Its name in the file.
    pub name: String,
    /// The shape that `config.json` asks for, in PyTorch's layout.
    pub expected: Vec<usize>,
    /// The shape in the file.
    pub found: Vec<usize>,
}

impl fmt::Display for CheckpointMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |tensors: &[(String, Vec<usize>)]| {
            list(
                tensors
                    .iter()
                    .map(|(name, shape)| format!("{name} {shape:?}")),
            )
        };
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!("missing {}", shown(&self.missing)));
        }
        if !self.unexpected.is_empty() {
            parts.push(format!("unexpected {}", shown(&self.unexpected)));
        }
        if !self.misshapen.is_empty() {
            let shapes = self.misshapen.iter();
            let shapes = shapes.map(|m| {
                format!(
                    "{} has shape {:?}, expected {:?}",
                    m.name, m.found, m.expected
                )
            });
            parts.push(list(shapes));
        }
        write!(f, "{}: {}", self.path.display(), parts.join("; "))
    }
}

/// The first few of many, then a count.
fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let more = items.len().saturating_sub(SHOWN);
    let mut text = items.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}
