//! What can be wrong with a tokenizer or a batch, said with the evidence.

use std::path::{Path, PathBuf};

/// Everything this crate can refuse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairTokenizerError {
    /// A file could not be read.
    #[error("{}: cannot open: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A file of a folder is not the JSON object that it should be.
    #[error("{}:{line}: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the parser found.
        message: String,
    },
    /// A setting with a value that makes no sense.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The setting's name.
        field: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// A tokenizer could not be loaded, or could not encode a text.
    #[error("tokenizer{}: {message}", at(path))]
    Tokenizer {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// What went wrong.
        message: String,
    },
    /// The tokenizer has no such special token.
    #[error(
        "tokenizer{}: no special token {token:?} (setting {setting}); it has: {}",
        at(path), available.join(", ")
    )]
    MissingSpecialToken {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// The token that was looked for.
        token: String,
        /// The setting that names it.
        setting: &'static str,
        /// The special tokens that there are.
        available: Vec<String>,
    },
    /// A tokenizer puts pairs together in a way that this crate does not know.
    #[error(
        "{}: pairs are {found}; allowed: BERT's (cls:0 text:0 sep:0 text:1 sep:1) and RoBERTa's (cls:0 \
         text:0 sep:0 sep:0 text:0 sep:0), token:segment",
        path.display()
    )]
    UnsupportedTemplate {
        /// The tokenizer's file.
        path: PathBuf,
        /// What it does: tokens and their segments.
        found: String,
    },
    /// A batch that cannot be made.
    #[error("batch: {0}")]
    InvalidBatch(String),
}

impl PairTokenizerError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

fn at(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or_else(String::new, |path| format!(" {}", path.display()))
}
