//! Where the special tokens of a pair stand.

use crate::PairTokenizerError;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tokenizers::Tokenizer;

/// How the texts of a view are set apart.
///
/// | | pair | pair with a reason | segment ids |
/// |---|---|---|---|
/// | `bert` | `[CLS] query [SEP] item [SEP]` | `[CLS] query [SEP] item [SEP] reason [SEP]` | 0, then 1 after the first `[SEP]` |
/// | `roberta` | `<s> query </s></s> item </s>` | `<s> query </s></s> item </s></s> reason </s>` | 0 |
///
/// `transformers` knows pairs only. The reason is set apart from the item as the item is from the query,
/// so that in both layouts the pair's tokens begin the reasoned view.
///
/// ```
/// use pair_tokenizer::PairTemplate;
/// assert_eq!((PairTemplate::Bert.separators(), PairTemplate::Bert.segments()), (1, 2));
/// assert_eq!((PairTemplate::Roberta.separators(), PairTemplate::Roberta.segments()), (2, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PairTemplate {
    /// One separator between two texts, and two segments.
    #[default]
    Bert,
    /// Two separators between two texts, and one segment: RoBERTa's and XLM-RoBERTa's.
    Roberta,
}

impl PairTemplate {
    /// Separators between two texts.
    pub fn separators(self) -> usize {
        match self {
            Self::Bert => 1,
            Self::Roberta => 2,
        }
    }

    /// How many segment ids there are: what a model's `type_vocab_size` must be at least.
    pub fn segments(self) -> usize {
        match self {
            Self::Bert => 2,
            Self::Roberta => 1,
        }
    }

    /// Special tokens of a view of `texts` texts.
    pub(crate) fn special_tokens(self, texts: usize) -> usize {
        2 + (texts - 1) * self.separators()
    }

    /// The segment of the `n`-th text, counted from 0.
    pub(crate) fn segment(self, n: usize) -> u32 {
        // At most 1.
        n.min(self.segments() - 1) as u32
    }

    /// The template by which a tokenizer itself puts pairs together; `None` if it adds no special
    /// tokens.
    pub(crate) fn of_tokenizer(
        tokenizer: &Tokenizer,
        (cls, sep): (u32, u32),
        path: &Path,
    ) -> Result<Option<Self>, PairTokenizerError> {
        let encoding = tokenizer.encode(("a", "a"), true);
        let encoding = encoding.map_err(|error| PairTokenizerError::Tokenizer {
            path: Some(path.to_owned()),
            message: error.to_string(),
        })?;
        // Each special token with its segment; a text's tokens are one `None`.
        let mut found: Vec<(Option<u32>, u32)> = encoding
            .get_ids()
            .iter()
            .zip(encoding.get_special_tokens_mask())
            .zip(encoding.get_type_ids())
            .map(|((&id, &special), &segment)| ((special == 1).then_some(id), segment))
            .collect();
        found.dedup_by(|a, b| a.0.is_none() && a == b);
        if found.iter().all(|(special, _)| special.is_none()) {
            return Ok(None);
        }
        let fits = |template: &Self| found == template.layout(cls, sep);
        if let Some(template) = [Self::Bert, Self::Roberta].iter().find(|t| fits(t)) {
            return Ok(Some(*template));
        }
        let shown = found.iter().map(|(special, segment)| {
            let token = special.and_then(|id| tokenizer.id_to_token(id));
            format!("{}:{segment}", token.unwrap_or_else(|| "text".to_owned()))
        });
        Err(PairTokenizerError::UnsupportedTemplate {
            path: path.to_owned(),
            found: shown.collect::<Vec<_>>().join(" "),
        })
    }

    /// A pair as special tokens with their segments, each text being one `None`.
    fn layout(self, cls: u32, sep: u32) -> Vec<(Option<u32>, u32)> {
        let (first, second) = (self.segment(0), self.segment(1));
        let mut layout = vec![(Some(cls), first), (None, first)];
        layout.extend(std::iter::repeat_n((Some(sep), first), self.separators()));
        layout.extend([(None, second), (Some(sep), second)]);
        layout
    }
}
