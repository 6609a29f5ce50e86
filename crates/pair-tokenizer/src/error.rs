//! What can be wrong with a tokenizer or a batch, said with the evidence.

use std::path::PathBuf;

/// Everything this crate can refuse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairTokenizerError {
    /// A file of a folder could not be read, or is not the JSON object that it should be.
    #[error(transparent)]
    Folder(#[from] hf_folder::FolderError),
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

fn at(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or_else(String::new, |path| format!(" {}", path.display()))
}
