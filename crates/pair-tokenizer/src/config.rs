//! How pairs become tokens.

use crate::{PairTemplate, PairTokenizerError};
use serde::{Deserialize, Serialize};

/// How pairs become tokens. Lengths are in tokens and count the special ones.
///
/// ```
/// use pair_tokenizer::PairTokenizerConfig;
/// let config = PairTokenizerConfig::default().with_max_length(64);
/// let error = config.validate().unwrap_err().to_string();
/// assert!(error.starts_with("`max_length` is 64, allowed: at least 68"), "{error}");
/// config.with_min_query_length(32).validate()?;
/// # Ok::<(), pair_tokenizer::PairTokenizerError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PairTokenizerConfig {
    /// The longest standard view.
    pub max_length: usize,
    /// The longest reasoning-augmented view.
    pub max_reasoned_length: usize,
    /// The query is never cut below this many tokens. A longer one is cut, but only as far as the
    /// item needs the room.
    pub min_query_length: usize,
    /// Where the special tokens stand.
    pub template: PairTemplate,
    /// The token that begins a view.
    pub cls_token: String,
    /// The token that ends the query, the item and the reason.
    pub sep_token: String,
    /// The token that fills a batch up.
    pub pad_token: String,
}

impl Default for PairTokenizerConfig {
    fn default() -> Self {
        Self {
            max_length: 128,
            max_reasoned_length: 320,
            min_query_length: 64,
            template: PairTemplate::Bert,
            cls_token: "[CLS]".to_owned(),
            sep_token: "[SEP]".to_owned(),
            pad_token: "[PAD]".to_owned(),
        }
    }
}

impl PairTokenizerConfig {
    /// RoBERTa's and XLM-RoBERTa's template and special tokens (`<s>`, `</s>`, `<pad>`), with the default
    /// lengths.
    pub fn roberta() -> Self {
        Self {
            template: PairTemplate::Roberta,
            cls_token: "<s>".to_owned(),
            sep_token: "</s>".to_owned(),
            pad_token: "<pad>".to_owned(),
            ..Self::default()
        }
    }

    /// Sets the longest standard view.
    #[must_use]
    pub fn with_max_length(mut self, max_length: usize) -> Self {
        self.max_length = max_length;
        self
    }

    /// Sets the longest reasoning-augmented view.
    #[must_use]
    pub fn with_max_reasoned_length(mut self, max_reasoned_length: usize) -> Self {
        self.max_reasoned_length = max_reasoned_length;
        self
    }

    /// Sets how many tokens of a query are never cut.
    #[must_use]
    pub fn with_min_query_length(mut self, min_query_length: usize) -> Self {
        self.min_query_length = min_query_length;
        self
    }

    /// Sets where the special tokens stand.
    #[must_use]
    pub fn with_template(mut self, template: PairTemplate) -> Self {
        self.template = template;
        self
    }

    /// Sets the token that begins a view.
    #[must_use]
    pub fn with_cls_token(mut self, token: impl Into<String>) -> Self {
        self.cls_token = token.into();
        self
    }

    /// Sets the token that ends the query, the item and the reason.
    #[must_use]
    pub fn with_sep_token(mut self, token: impl Into<String>) -> Self {
        self.sep_token = token.into();
        self
    }

    /// Sets the token that fills a batch up.
    #[must_use]
    pub fn with_pad_token(mut self, token: impl Into<String>) -> Self {
        self.pad_token = token.into();
        self
    }

    /// Checks the lengths.
    ///
    /// # Errors
    /// [`PairTokenizerError::InvalidConfig`] unless `min_query_length` is at least 1, `max_length` leaves room
    /// for it, the special tokens (3, or RoBERTa's 4) and one token of the item, and
    /// `max_reasoned_length` leaves room for one token of the reason and its special tokens besides.
    pub fn validate(&self) -> Result<(), PairTokenizerError> {
        let at_least = |field, value: usize, least: usize, why: &str| {
            if value >= least {
                return Ok(());
            }
            Err(PairTokenizerError::InvalidConfig {
                field,
                value: value.to_string(),
                allowed: format!("at least {least}{why}"),
            })
        };
        let query = self.min_query_length;
        at_least("min_query_length", query, 1, "")?;
        let special = self.template.special_tokens(2);
        let why = format!(" (min_query_length, 1 token of the item, {special} special tokens)");
        let least = query.saturating_add(special + 1);
        at_least("max_length", self.max_length, least, &why)?;
        let special = self.template.special_tokens(3);
        let why = format!(
            " (min_query_length, 1 token each of item and reason, {special} special tokens)"
        );
        let least = query.saturating_add(special + 2);
        at_least("max_reasoned_length", self.max_reasoned_length, least, &why)
    }
}
