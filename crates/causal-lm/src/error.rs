//! What can go wrong with a decoder, its files and its inputs.

use std::path::PathBuf;

/// An error of this crate; each carries the evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CausalLmError {
    /// A file or folder could not be read, made or replaced.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A JSON file does not parse, or is not an object.
    #[error("{}: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        message: String,
    },
    /// The file's configuration is refused.
    #[error("{}: {source}", path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<CausalLmError>,
    },
    /// A key that every configuration must have is absent.
    #[error("model config: key `{key}` is missing")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A family of models that this crate does not have.
    #[error("model config: `model_type` is {found:?}; allowed: qwen3, qwen2, llama")]
    ModelType {
        /// What was found.
        found: String,
    },
    /// A setting has a value that makes no sense or is not supported.
    #[error("`{field}` is {value}; allowed: {allowed}")]
    Config {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// A checkpoint lacks tensors.
    #[error("{}: missing tensors: {}", path.display(), list(names))]
    MissingTensors {
        /// The file.
        path: PathBuf,
        /// Their names, sorted.
        names: Vec<String>,
    },
    /// A checkpoint holds tensors that the model has no place for.
    #[error("{}: unexpected tensors: {}", path.display(), list(names))]
    ExtraTensors {
        /// The file.
        path: PathBuf,
        /// Their names, sorted.
        names: Vec<String>,
    },
    /// A tensor of a checkpoint has another shape than the configuration asks for.
    #[error("{}: tensor {name} has shape {found:?}, the config asks for {expected:?}", path.display())]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A checkpoint file is damaged or cannot be written.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A tokenizer file or a text is refused.
    #[error("tokenizer: {reason}")]
    Tokenizer {
        /// What is wrong.
        reason: String,
    },
    /// There is no row to compute.
    #[error("the batch is empty; at least one row is needed")]
    EmptyBatch,
    /// A row has no token.
    #[error("row {row} has no token; at least one is needed")]
    EmptyRow {
        /// The row, from 0.
        row: usize,
    },
    /// Two parts of one input disagree on their length.
    #[error("row {row}: `{field}` has {found} entries, but {expected} are needed")]
    LengthMismatch {
        /// The row, from 0.
        row: usize,
        /// The part.
        field: &'static str,
        /// Its length.
        found: usize,
        /// The length of the other part.
        expected: usize,
    },
    /// A token id is outside the vocabulary.
    #[error("row {row}: token id {id} is outside the vocabulary of {vocab_size}")]
    TokenId {
        /// The row, from 0.
        row: usize,
        /// The id.
        id: u32,
        /// The vocabulary's size.
        vocab_size: usize,
    },
    /// A row, with what is to be generated, is longer than the model's context.
    #[error(
        "row {row}: {tokens} tokens do not fit into the context of {max_position_embeddings} \
         (`max_position_embeddings`)"
    )]
    TooLong {
        /// The row, from 0.
        row: usize,
        /// Its length, with the tokens to be generated.
        tokens: usize,
        /// The model's context.
        max_position_embeddings: usize,
    },
    /// A prompt without a token, or a completion without a word.
    #[error("the {part} is empty")]
    EmptyText {
        /// `prompt` or `completion`.
        part: &'static str,
    },
    /// A pair of completions cannot be used.
    #[error("pair {row}, field `{field}`: {reason}")]
    Pair {
        /// The pair's position, from 0.
        row: usize,
        /// `prompt`, `chosen` or `rejected`.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// No token of the batch is a target of the loss.
    #[error("no token of the batch is a target: every loss mask is false after its first token")]
    NoTargets,
}

impl CausalLmError {
    pub(crate) fn io(
        path: &std::path::Path,
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    pub(crate) fn config(
        field: &'static str,
        value: impl ToString,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Config {
            field,
            value: value.to_string(),
            allowed: allowed.into(),
        }
    }
}

/// The first names, and how many more there are.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
