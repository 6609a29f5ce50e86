//! What can go wrong in preference optimisation.

/// An error of preference optimisation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreferenceError {
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
    #[error("no preference pairs")]
    NoPairs,
    /// No pair is left.
    #[error(
        "the two replies of each of the {pairs} preference pairs are equal once cut to \
         {max_length} tokens with the prompt: nothing can be learnt; raise `max_length`"
    )]
    AllPairsEqual {
        /// Pairs that were given.
        pairs: usize,
        /// The limit.
        max_length: usize,
    },
    /// A pair cannot be used.
    #[error("preference pair {row}, field `{field}`: {reason}")]
    Pair {
        /// The pair's position, from 0.
        row: usize,
        /// `prompt`, `chosen` or `rejected`.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer has tokens that the model does not know.
    #[error(
        "the tokenizer has {tokens} tokens, but the model's `vocab_size` is {embeddings}: they \
         do not belong together"
    )]
    Vocabulary {
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Embeddings of the model.
        embeddings: usize,
    },
    /// The tokenizer or the language model failed.
    #[error(transparent)]
    Lm(causal_lm::CausalLmError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] training_loop::TrainError),
}

impl From<causal_lm::CausalLmError> for PreferenceError {
    fn from(error: causal_lm::CausalLmError) -> Self {
        match error {
            causal_lm::CausalLmError::Pair { row, field, reason } => {
                Self::Pair { row, field, reason }
            }
            other => Self::Lm(other),
        }
    }
}

pub(crate) fn check(
    field: &'static str,
    value: f64,
    holds: impl Fn(f64) -> bool,
    allowed: &str,
) -> Result<(), PreferenceError> {
    if holds(value) {
        return Ok(());
    }
    Err(PreferenceError::InvalidConfig {
        field,
        value: value.to_string(),
        allowed: allowed.to_owned(),
    })
}
