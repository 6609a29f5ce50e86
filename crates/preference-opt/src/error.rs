//! What can go wrong in preference optimisation.

/// An error of preference optimisation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreferenceError {
    /// A field of a configuration is out of range.
    #[error("preference config: `{field}` is {value}, but must be {allowed}")]
    Config {
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
    Lm(#[from] causal_lm::CausalLmError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] training_loop::TrainError),
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
    Err(PreferenceError::Config {
        field,
        value: value.to_string(),
        allowed: allowed.to_owned(),
    })
}
