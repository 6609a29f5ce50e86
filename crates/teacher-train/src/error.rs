//! What can go wrong while making or using a teacher.

use std::path::{Path, PathBuf};

/// An error of this crate; the message says what, where and what was allowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TeacherError {
    /// A field of a configuration is out of range.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The field's name.
        field: &'static str,
        /// The value that was given.
        value: String,
        /// What was allowed.
        allowed: String,
    },
    /// There is nothing to learn from.
    #[error("no {what} to train on")]
    Empty {
        /// `documents`, `examples` or `texts`.
        what: &'static str,
    },
    /// A prompt does not fit, even without the item's text.
    #[error(
        "pair {row}: the prompt has {tokens} tokens without the item's text; at most {limit} fit"
    )]
    PromptTooLong {
        /// The pair's position, from 0.
        row: usize,
        /// How many tokens it has.
        tokens: usize,
        /// How many fit.
        limit: usize,
    },
    /// A training example is longer than it may be; cut, it would lose its verdict.
    #[error(
        "example {row}: prompt, reply and end token have {tokens} tokens; at most {limit} fit (`max_length`)"
    )]
    ExampleTooLong {
        /// The example's position, from 0.
        row: usize,
        /// How many tokens it has.
        tokens: usize,
        /// How many fit.
        limit: usize,
    },
    /// A training example cannot be used.
    #[error("example {row}, field `{field}`: {reason}")]
    Example {
        /// The example's position, from 0.
        row: usize,
        /// `prompt` or `completion`.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer has tokens that the model does not know.
    #[error(
        "the tokenizer has {tokens} tokens, but the model's `vocab_size` is {embeddings}: they \
         do not belong together"
    )]
    VocabularyMismatch {
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Embeddings of the model.
        embeddings: usize,
    },
    /// A vocabulary could not be trained.
    #[error("training the tokenizer: {reason}")]
    Vocabulary {
        /// What the tokenizer library said.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be read or written as a whole.
    #[error(transparent)]
    File(#[from] atomic_files::FileError),
    /// What a folder says of its teacher cannot be used.
    #[error("{path:?}: {reason}")]
    TeacherFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of unfinished annotations does not belong to this call, or is damaged.
    #[error("{}, line {line}: {reason}; delete the file to start anew", path.display())]
    Partial {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Data, or their files.
    #[error(transparent)]
    Data(#[from] relevance_data::DataError),
    /// The decoder or its tokenizer.
    #[error(transparent)]
    Lm(#[from] causal_lm::CausalLmError),
    /// Training.
    #[error(transparent)]
    Train(#[from] training_loop::TrainError),
}

impl TeacherError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

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

    /// Refuses a count of zero.
    pub(crate) fn positive(field: &'static str, value: usize) -> Result<(), Self> {
        match value {
            0 => Err(Self::invalid(field, 0, "at least 1")),
            _ => Ok(()),
        }
    }

    /// Refuses a length that the model has no positions for.
    pub(crate) fn within_context(
        field: &'static str,
        length: usize,
        model: &causal_lm::CausalLmConfig,
    ) -> Result<(), Self> {
        let context = model.max_position_embeddings;
        if length <= context {
            return Ok(());
        }
        let allowed = format!("at most {context}, the model's `max_position_embeddings`");
        Err(Self::invalid(field, length, allowed))
    }
}
