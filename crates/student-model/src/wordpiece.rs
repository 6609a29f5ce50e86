//! A vocabulary for a student that starts from nothing.

use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::{WordPiece, WordPieceTrainer};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, Tokenizer, TokenizerBuilder};

use crate::StudentError;

/// BERT's special tokens; their ids are 0 to 4.
const SPECIAL_TOKENS: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The smallest vocabulary that leaves room for letters beside the special tokens.
const SMALLEST: usize = 32;

/// Most distinct characters that are kept, as in Hugging Face's `BertWordPieceTokenizer`.
const ALPHABET: usize = 1000;

/// Trains a WordPiece tokenizer like BERT's on texts: lower case, accents stripped, split at
/// whitespace and punctuation, at most `vocab_size` tokens, `[PAD] [UNK] [CLS] [SEP] [MASK]` first.
///
/// The same texts give the same vocabulary. Characters beyond the most frequent (a quarter of the
/// vocabulary, at most 1,000) become `[UNK]`.
///
/// # Errors
/// [`StudentError::InvalidConfig`] if `vocab_size` is below 32, [`StudentError::Tokenizer`] if the
/// texts hold no word.
pub fn train_wordpiece<I, S>(texts: I, vocab_size: usize) -> Result<Tokenizer, StudentError>
where
    I: IntoIterator<Item = S>,
    I::IntoIter: Send,
    S: AsRef<str> + Send,
{
    if vocab_size < SMALLEST {
        let allowed = format!("at least {SMALLEST}");
        return Err(StudentError::invalid("vocab_size", vocab_size, allowed));
    }
    let fail = |e| StudentError::tokenizer("training", e);
    let special = SPECIAL_TOKENS.map(|token| AddedToken::from(token, true));
    // A character can be a token twice, at the start of a word and within it.
    let mut trainer = WordPieceTrainer::builder()
        .vocab_size(vocab_size)
        .limit_alphabet(ALPHABET.min(vocab_size / 4))
        .special_tokens(special.to_vec())
        .show_progress(false)
        .build();
    let mut tokenizer = TokenizerBuilder::new()
        .with_model(WordPiece::default())
        .with_normalizer(Some(BertNormalizer::default()))
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_post_processor(Some(BertProcessing::new(
            (SPECIAL_TOKENS[3].to_owned(), 3),
            (SPECIAL_TOKENS[2].to_owned(), 2),
        )))
        .with_decoder(Some(WordPieceDecoder::default()))
        .build()
        .map_err(fail)?;
    tokenizer
        .train(&mut trainer, texts.into_iter())
        .map_err(fail)?;
    if tokenizer.get_vocab_size(true) <= SPECIAL_TOKENS.len() {
        return Err(StudentError::tokenizer(
            "training",
            "the texts hold no word",
        ));
    }
    // From the typed tokenizer to the one that holds any parts.
    let text = tokenizer.to_string(false).map_err(fail)?;
    text.parse::<Tokenizer>().map_err(fail)
}
