//! Pairs as token ids, for BERT and RoBERTa encoders.

use crate::{Encoding, PairTemplate, PairTokenizerConfig, PairTokenizerError, special_tokens};
use hf_folder::{TOKENIZER_FILE, read_tokenizer};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// Turns pairs, and pairs with a reason, into token ids with a Hugging Face `tokenizer.json`.
///
/// | view | tokens | segment ids |
/// |---|---|---|
/// | standard | `[CLS] query [SEP] item [SEP]` | `0 .. 0 1 .. 1` |
/// | reasoned | `[CLS] query [SEP] item [SEP] reason [SEP]` | `0 .. 0 1 .. 1 1 .. 1` |
///
/// [`PairTemplate`] holds RoBERTa's besides; [`PairTokenizer::from_dir`] finds out which a folder uses.
///
/// **Truncation.** The standard view cuts the item only, unless the query is longer than
/// `min_query_length`: then the query is cut first, towards that length, as far as the item needs the
/// room, so that a rambling query leaves a floor for the item. The reasoned
/// view holds the same query and item tokens as the standard view, then as much of the reason as
/// `max_reasoned_length` allows: both views show the same pair, and the reason goes first when
/// room is short. The item is cut further only if not even one token of the reason would fit.
///
/// **Special tokens in the text** are text: a query that holds `[SEP]` cannot break the segments. Where
/// the vocabulary has them as pieces of text (XLM-RoBERTa's), they are left out.
/// Apart from that and from queries above `min_query_length` the ids equal those of `transformers`'
/// fast tokenizers with `truncation="only_second"`.
#[derive(Debug, Clone)]
pub struct PairTokenizer {
    tokenizer: Tokenizer,
    config: PairTokenizerConfig,
    path: Option<PathBuf>,
    cls: u32,
    sep: u32,
    pad: u32,
    /// Kept, for asking the tokenizer copies its vocabulary.
    id_bound: usize,
}

impl PairTokenizer {
    /// Loads the tokenizer of a Hugging Face folder: `tokenizer.json`, the special tokens that
    /// `tokenizer_config.json` or `special_tokens_map.json` names, and the template by which the
    /// tokenizer puts pairs together itself. Lengths are `config`'s; its tokens and template count only
    /// where the folder says nothing.
    ///
    /// # Errors
    /// As [`PairTokenizer::from_file`]; [`PairTokenizerError::Folder`] if one of the other files is no JSON object;
    /// [`PairTokenizerError::UnsupportedTemplate`] if the tokenizer's pairs are neither BERT's nor RoBERTa's.
    pub fn from_dir(
        dir: impl AsRef<Path>,
        config: PairTokenizerConfig,
    ) -> Result<Self, PairTokenizerError> {
        let dir = dir.as_ref();
        let config = special_tokens::of_folder(dir, config)?;
        let path = dir.join(TOKENIZER_FILE);
        let mut found = Self::from_file(&path, config)?;
        let special = (found.cls, found.sep);
        if let Some(template) = PairTemplate::of_tokenizer(&found.tokenizer, special, &path)? {
            found.config.template = template;
            found.config.validate()?;
        }
        Ok(found)
    }

    /// Loads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`PairTokenizerError::Folder`] or [`PairTokenizerError::Tokenizer`] if the file cannot be read or is no tokenizer;
    /// otherwise as [`PairTokenizer::from_tokenizer`].
    pub fn from_file(
        path: impl AsRef<Path>,
        config: PairTokenizerConfig,
    ) -> Result<Self, PairTokenizerError> {
        let path = path.as_ref();
        let text = read_tokenizer(path)?;
        let tokenizer =
            Tokenizer::from_bytes(text).map_err(|error| PairTokenizerError::Tokenizer {
                path: Some(path.to_owned()),
                message: error.to_string(),
            })?;
        Self::build(tokenizer, config, Some(path.to_owned()))
    }

    /// Takes a tokenizer. Its own truncation, padding and template are not used.
    ///
    /// # Errors
    /// [`PairTokenizerError::InvalidConfig`] as [`PairTokenizerConfig::validate`];
    /// [`PairTokenizerError::MissingSpecialToken`] if one of the three tokens is not among the tokenizer's
    /// special tokens.
    pub fn from_tokenizer(
        tokenizer: Tokenizer,
        config: PairTokenizerConfig,
    ) -> Result<Self, PairTokenizerError> {
        Self::build(tokenizer, config, None)
    }

    fn build(
        mut tokenizer: Tokenizer,
        config: PairTokenizerConfig,
        path: Option<PathBuf>,
    ) -> Result<Self, PairTokenizerError> {
        config.validate()?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(None)
            .map_err(|error| PairTokenizerError::Tokenizer {
                path: path.clone(),
                message: error.to_string(),
            })?;
        tokenizer.set_encode_special_tokens(true);
        let special = |token: &str, setting| special_id(&tokenizer, token, setting, &path);
        Ok(Self {
            cls: special(&config.cls_token, "cls_token")?,
            sep: special(&config.sep_token, "sep_token")?,
            pad: special(&config.pad_token, "pad_token")?,
            id_bound: id_bound(&tokenizer),
            tokenizer,
            config,
            path,
        })
    }

    /// The settings.
    pub fn config(&self) -> &PairTokenizerConfig {
        &self.config
    }

    /// The tokenizer, without truncation and padding.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Where the special tokens stand.
    pub fn template(&self) -> PairTemplate {
        self.config.template
    }

    /// The id of the token that fills a batch up.
    pub fn pad_id(&self) -> u32 {
        self.pad
    }

    /// The id of the token that begins a view.
    pub fn cls_id(&self) -> u32 {
        self.cls
    }

    /// The id of the token that ends a segment.
    pub fn sep_id(&self) -> u32 {
        self.sep
    }

    /// The largest id plus 1, added tokens included: the rows that a model's embedding table must have.
    ///
    /// This is not the number of tokens, which is smaller where ids have holes (a vocabulary that was cut
    /// down, tokens that were added behind a gap).
    pub fn id_bound(&self) -> usize {
        self.id_bound
    }

    /// The standard view of a pair.
    ///
    /// # Errors
    /// [`PairTokenizerError::Tokenizer`] if the tokenizer refuses the text.
    pub fn encode(&self, query: &str, item: &str) -> Result<Encoding, PairTokenizerError> {
        let (query, item) = (self.tokens(query)?, self.tokens(item)?);
        Ok(self.pair(&query, &item, self.config.max_length))
    }

    /// The reasoning-augmented view of a pair.
    ///
    /// # Errors
    /// [`PairTokenizerError::Tokenizer`] if the tokenizer refuses the text.
    pub fn encode_reasoned(
        &self,
        query: &str,
        item: &str,
        reason: &str,
    ) -> Result<Encoding, PairTokenizerError> {
        let (query, item) = (self.tokens(query)?, self.tokens(item)?);
        let reason = self.tokens(reason)?;
        // One token of the reason and its separators always fit.
        let (longest, separators) = (
            self.config.max_reasoned_length,
            self.template().separators(),
        );
        let floor = separators + reason.len().min(1);
        let mut view = self.pair(&query, &item, self.config.max_length.min(longest - floor));
        let room = longest - view.len() - separators;
        self.append(&mut view, &reason[..reason.len().min(room)], 2);
        Ok(view)
    }

    /// The standard views of many pairs, in parallel, in their order.
    ///
    /// # Errors
    /// As [`PairTokenizer::encode`].
    pub fn encode_pairs(
        &self,
        pairs: &[(&str, &str)],
    ) -> Result<Vec<Encoding>, PairTokenizerError> {
        pairs
            .par_iter()
            .map(|(query, item)| self.encode(query, item))
            .collect()
    }

    /// The standard views of one query with many items, in their order: [`PairTokenizer::encode_pairs`]
    /// that tokenises the query once.
    ///
    /// # Errors
    /// As [`PairTokenizer::encode`].
    pub fn encode_items<S: AsRef<str> + Sync>(
        &self,
        query: &str,
        items: &[S],
    ) -> Result<Vec<Encoding>, PairTokenizerError> {
        let query = self.tokens(query)?;
        items
            .par_iter()
            .map(|item| {
                let item = self.tokens(item.as_ref())?;
                Ok(self.pair(&query, &item, self.config.max_length))
            })
            .collect()
    }

    /// The reasoning-augmented views of many (query, item, reason), in parallel, in their order.
    ///
    /// # Errors
    /// As [`PairTokenizer::encode_reasoned`].
    pub fn encode_reasoned_pairs(
        &self,
        triples: &[(&str, &str, &str)],
    ) -> Result<Vec<Encoding>, PairTokenizerError> {
        triples
            .par_iter()
            .map(|(query, item, reason)| self.encode_reasoned(query, item, reason))
            .collect()
    }

    /// The standard view in at most `longest` tokens.
    fn pair(&self, query: &[u32], item: &[u32], longest: usize) -> Encoding {
        let budget = longest - self.template().special_tokens(2);
        // Beyond its floor the query has what the item leaves free.
        let free = budget.saturating_sub(item.len());
        let bound = free.max(self.config.min_query_length);
        let query = &query[..query.len().min(bound)];
        let item = &item[..item.len().min(budget - query.len())];
        let mut view = Encoding {
            ids: vec![self.cls],
            type_ids: vec![0],
        };
        self.append(&mut view, query, 0);
        self.append(&mut view, item, 1);
        view
    }

    /// Puts the `n`-th text, counted from 0, and the separator that ends it behind the others.
    fn append(&self, view: &mut Encoding, text: &[u32], n: usize) {
        // The separator that ended the text before is the first of those between the two.
        let more = if n == 0 {
            0
        } else {
            self.template().separators() - 1
        };
        view.ids.extend(std::iter::repeat_n(self.sep, more));
        view.ids.extend_from_slice(text);
        view.ids.push(self.sep);
        view.type_ids
            .resize(view.ids.len(), self.template().segment(n));
    }

    fn tokens(&self, text: &str) -> Result<Vec<u32>, PairTokenizerError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|error| PairTokenizerError::Tokenizer {
            path: self.path.clone(),
            message: format!("cannot encode {text:?}: {error}"),
        })?;
        // A Unigram vocabulary holds its special tokens as pieces too, so that `</s>` in a text would
        // become one; other models spell them out.
        let structural = [self.cls, self.sep, self.pad];
        let ids = encoding.get_ids().iter().copied();
        Ok(ids.filter(|id| !structural.contains(id)).collect())
    }
}

/// One more than the largest id of the model's vocabulary and of the added tokens.
fn id_bound(tokenizer: &Tokenizer) -> usize {
    let largest = tokenizer.get_vocab(true).into_values().max();
    largest.map_or(0, |id| id as usize + 1)
}

/// The id of a special token that the tokenizer itself declares.
fn special_id(
    tokenizer: &Tokenizer,
    token: &str,
    setting: &'static str,
    path: &Option<PathBuf>,
) -> Result<u32, PairTokenizerError> {
    let added = tokenizer.get_added_tokens_decoder();
    let special = || added.iter().filter(|(_, added)| added.special);
    if let Some((&id, _)) = special().find(|(_, added)| added.content == token) {
        return Ok(id);
    }
    let mut available: Vec<String> = special().map(|(_, added)| added.content.clone()).collect();
    available.sort();
    if available.is_empty() {
        available.push("none".to_owned());
    }
    Err(PairTokenizerError::MissingSpecialToken {
        path: path.clone(),
        token: token.to_owned(),
        setting,
        available,
    })
}
