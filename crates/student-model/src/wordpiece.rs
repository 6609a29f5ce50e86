//! A vocabulary for a student that starts from nothing.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::{WordPiece, WordPieceTrainer};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{
    AddedToken, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer, Tokenizer, Trainer,
};

use crate::{BertConfig, BertForSequenceClassification, StudentError};

/// BERT's special tokens; their ids are 0 to 4.
const SPECIAL_TOKENS: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The smallest vocabulary that leaves room for letters beside the special tokens.
const SMALLEST: usize = 32;

/// Most distinct characters that are kept, as in Hugging Face's `BertWordPieceTokenizer`.
const ALPHABET: usize = 1000;

/// Trains a WordPiece tokenizer like BERT's on texts: lower case, accents stripped, split at
/// whitespace and punctuation, at most `vocab_size` tokens, `[PAD] [UNK] [CLS] [SEP] [MASK]` first.
///
/// The same texts, in any order, give the same vocabulary. Only as many distinct characters are kept,
/// the most frequent ones, as fit twice into the vocabulary, and at most 1,000; a word with another
/// one becomes `[UNK]`.
///
/// # Errors
/// [`StudentError::InvalidConfig`] if `vocab_size` is below 32, [`StudentError::Tokenizer`] if the
/// texts hold no word.
pub fn train_wordpiece<I, S>(texts: I, vocab_size: usize) -> Result<Tokenizer, StudentError>
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    if vocab_size < SMALLEST {
        let allowed = format!("at least {SMALLEST}");
        return Err(StudentError::invalid("vocab_size", vocab_size, allowed));
    }
    let words = count_words(texts)?;
    if words.is_empty() {
        return Err(StudentError::tokenizer(
            "training",
            "the texts hold no word",
        ));
    }
    // A character can be a token twice: at the start of a word, and within it.
    let limit = ALPHABET.min((vocab_size - SPECIAL_TOKENS.len()) / 2);
    assemble(train(&words, &alphabet(&words, limit), vocab_size).map_err(fail)?).map_err(fail)
}

impl BertConfig {
    /// A student that starts from nothing: a vocabulary of `texts` ([`train_wordpiece`]), at most
    /// [`vocab_size`](Self::vocab_size) tokens, and a model of this shape for the vocabulary that came of it.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use pair_tokenizer::PairTokenizerConfig;
    /// use student_model::BertConfig;
    ///
    /// let bert = BertConfig::toy().with_labels(&["Relevant", "Irrelevant"]);
    /// let lengths = PairTokenizerConfig::default();
    /// let (model, tokenizer) = bert.init_from_texts(["usb cable, 2 m"], lengths, 7, &Device::default())?;
    /// assert_eq!(model.config().vocab_size, tokenizer.id_bound());
    /// assert!(tokenizer.id_bound() < bert.vocab_size, "a few letters and words");
    /// # Ok::<(), student_model::StudentError>(())
    /// ```
    ///
    /// # Errors
    /// As [`train_wordpiece`], [`PairTokenizer::from_tokenizer`] and [`init`](Self::init).
    pub fn init_from_texts<S: AsRef<str>>(
        &self,
        texts: impl IntoIterator<Item = S>,
        lengths: PairTokenizerConfig,
        seed: u64,
        device: &Device,
    ) -> Result<(BertForSequenceClassification, PairTokenizer), StudentError> {
        let words = train_wordpiece(texts, self.vocab_size)?;
        let tokenizer = PairTokenizer::from_tokenizer(words, lengths)?;
        let config = Self {
            vocab_size: tokenizer.id_bound(),
            ..self.clone()
        };
        Ok((config.init(seed, device)?, tokenizer))
    }
}

fn fail(error: tokenizers::Error) -> StudentError {
    StudentError::tokenizer("training", error)
}

/// How often each word occurs, in an order that depends on nothing else.
fn count_words<S: AsRef<str>>(
    texts: impl IntoIterator<Item = S>,
) -> Result<BTreeMap<String, u64>, StudentError> {
    let mut words = BTreeMap::new();
    for text in texts {
        let mut text = NormalizedString::from(text.as_ref());
        BertNormalizer::default()
            .normalize(&mut text)
            .map_err(fail)?;
        let mut split = PreTokenizedString::from(text);
        BertPreTokenizer.pre_tokenize(&mut split).map_err(fail)?;
        for (word, _, _) in split.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
            *words.entry(word.to_owned()).or_insert(0) += 1;
        }
    }
    Ok(words)
}

/// The `limit` most frequent characters.
fn alphabet(words: &BTreeMap<String, u64>, limit: usize) -> BTreeSet<char> {
    let mut counts: BTreeMap<char, u64> = BTreeMap::new();
    for (word, count) in words {
        word.chars()
            .for_each(|c| *counts.entry(c).or_default() += count);
    }
    let mut characters: Vec<(char, u64)> = counts.into_iter().collect();
    characters.sort_by_key(|(_, count)| std::cmp::Reverse(*count)); // stable
    characters.into_iter().take(limit).map(|(c, _)| c).collect()
}

/// The vocabulary.
///
/// The trainer of `tokenizers` numbers the characters within words (`##a`) in the order of a hash
/// map, and which of two equally frequent pairs is merged first depends on these numbers: the result
/// would differ from run to run. Given to it as tokens that exist already, they are in a fixed order.
/// Its own limit of the alphabet breaks ties by the same map, so it is fed no other characters.
fn train(
    words: &BTreeMap<String, u64>,
    alphabet: &BTreeSet<char>,
    vocab_size: usize,
) -> tokenizers::Result<WordPiece> {
    let kept = |word: &String| {
        word.chars()
            .filter(|c| alphabet.contains(c))
            .collect::<String>()
    };
    let words: Vec<(String, u64)> = words.iter().map(|(word, n)| (kept(word), *n)).collect();
    let within = words.iter().flat_map(|(word, _)| word.chars().skip(1));
    let within: BTreeSet<String> = within.map(|c| format!("##{c}")).collect();
    let first = SPECIAL_TOKENS.map(str::to_owned).into_iter().chain(within);
    let mut trainer = WordPieceTrainer::builder()
        .vocab_size(vocab_size)
        .special_tokens(first.map(|token| AddedToken::from(token, true)).collect())
        .show_progress(false)
        .build();
    let occurrences = words
        .iter()
        .flat_map(|(word, n)| (0..*n).map(move |_| word));
    trainer.feed(occurrences, |word| Ok(vec![word.to_owned()]))?;
    let mut model = WordPiece::default();
    trainer.train(&mut model)?;
    Ok(model)
}

/// BERT's tokenizer around a vocabulary.
fn assemble(model: WordPiece) -> tokenizers::Result<Tokenizer> {
    let [_, _, cls, sep, _] = SPECIAL_TOKENS;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(BertNormalizer::default()))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let template = BertProcessing::new((sep.to_owned(), 3), (cls.to_owned(), 2));
    tokenizer.with_post_processor(Some(template));
    tokenizer.with_decoder(Some(WordPieceDecoder::default()));
    tokenizer.add_special_tokens(SPECIAL_TOKENS.map(|token| AddedToken::from(token, true)))?;
    Ok(tokenizer)
}
