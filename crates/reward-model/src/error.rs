//! What can go wrong with rewards.

use std::path::PathBuf;

/// An error of this crate; each carries the evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewardError {
    /// A setting is out of range.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The setting.
        field: String,
        /// The value that was given.
        value: String,
        /// What was allowed.
        allowed: String,
    },
    /// Two dimensions have one name.
    #[error("reward dimension `{name}` appears twice")]
    DuplicateDimension {
        /// The name.
        name: String,
    },
    /// A weight is given for a dimension that does not exist.
    #[error("weight for unknown reward dimension `{name}`; allowed: {}", allowed.join(", "))]
    UnknownDimension {
        /// The name.
        name: String,
        /// The dimensions there are.
        allowed: Vec<String>,
    },
    /// A dimension gave a score outside [0, 1].
    #[error("reward dimension `{name}` scored {score}; allowed: 0 to 1")]
    ScoreRange {
        /// The dimension.
        name: String,
        /// Its score.
        score: f64,
    },
    /// There is nothing to learn from.
    #[error("no {what} to fit {to} on")]
    NoExamples {
        /// What is missing.
        what: &'static str,
        /// What was to be fitted.
        to: &'static str,
    },
    /// A training example cannot be used.
    #[error("example {row}, field `{field}`: {reason}")]
    Example {
        /// The example's position, from 0.
        row: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A pair that is to tell what was learnt has a prompt that is trained on.
    #[error(
        "held-out pair {row} has the prompt of a pair that is trained on: what the heads make of it \
         says nothing of prompts that they have not seen"
    )]
    HeldOutPrompt {
        /// The held-out pair's position, from 0.
        row: usize,
    },
    /// The tokenizer has tokens that the backbone does not know.
    #[error(
        "the tokenizer has {tokens} tokens, but the backbone's `vocab_size` is {embeddings}: they \
         do not belong together"
    )]
    Vocabulary {
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Embeddings of the backbone.
        embeddings: usize,
    },
    /// A saved reward model is damaged, or does not fit.
    #[error("{}: {reason}", path.display())]
    Heads {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] atomic_files::FileError),
    /// Rationales, or their labels.
    #[error(transparent)]
    Data(#[from] relevance_data::DataError),
    /// The tokenizer or the backbone failed.
    #[error(transparent)]
    Lm(causal_lm::CausalLmError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] training_loop::TrainError),
}

impl From<causal_lm::CausalLmError> for RewardError {
    fn from(error: causal_lm::CausalLmError) -> Self {
        match error {
            causal_lm::CausalLmError::Pair { row, field, reason } => {
                Self::Example { row, field, reason }
            }
            other => Self::Lm(other),
        }
    }
}

/// An error if `value` does not hold.
pub(crate) fn check(
    field: impl Into<String>,
    value: f64,
    holds: impl Fn(f64) -> bool,
    allowed: &str,
) -> Result<(), RewardError> {
    if holds(value) {
        return Ok(());
    }
    Err(RewardError::InvalidConfig {
        field: field.into(),
        value: value.to_string(),
        allowed: allowed.to_owned(),
    })
}
