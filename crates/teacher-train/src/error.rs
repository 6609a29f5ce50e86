//! What can go wrong while making or using a teacher.

use std::path::{Path, PathBuf};

/// An error of this crate; the message says what, where and what was allowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TeacherError {
    /// A field of a configuration is out of range.
    #[error("teacher config: `{field}` is {value}, but must be {allowed}")]
    Config {
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

    /// Refuses a count of zero.
    pub(crate) fn positive(field: &'static str, value: usize) -> Result<(), Self> {
        if value > 0 {
            return Ok(());
        }
        Err(Self::Config {
            field,
            value: "0".into(),
            allowed: "at least 1".into(),
        })
    }
}
