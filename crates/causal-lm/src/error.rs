//! What can go wrong with a decoder, its files and its inputs.

use std::path::{Path, PathBuf};

use hf_folder::{FolderError, UnknownArchitecture};

/// An error of this crate; each carries the evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CausalLmError {
    /// A folder's files could not be read or written, or its tensors are not those of the model that
    /// its `config.json` describes.
    #[error(transparent)]
    Folder(#[from] FolderError),
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
    /// A setting has a value that makes no sense or is not supported.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: String,
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

impl From<UnknownArchitecture> for CausalLmError {
    fn from(error: UnknownArchitecture) -> Self {
        Self::invalid("model_type", error.found, error.allowed)
    }
}

impl CausalLmError {
    pub(crate) fn invalid(
        field: &'static str,
        value: impl ToString,
        allowed: impl Into<String>,
    ) -> Self {
        Self::InvalidConfig {
            field,
            value: value.to_string(),
            allowed: allowed.into(),
        }
    }

    /// Says which file a refused value stood in.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::ConfigFile {
            path: path.to_owned(),
            source: Box::new(self),
        }
    }
}
