//! A vocabulary for a teacher that starts from nothing.

use causal_lm::LmTokenizer;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    AddedToken, NormalizerWrapper, PostProcessorWrapper, Tokenizer, TokenizerBuilder,
};

use crate::error::TeacherError;

const END_OF_TEXT: &str = "<|endoftext|>";
const PAD: &str = "<|pad|>";
/// Every byte, and the two special tokens.
const SMALLEST: usize = 258;

/// Trains a byte-level BPE tokenizer (as GPT-2's and Qwen's) on texts, at most `vocab_size` tokens,
/// `<|endoftext|>` and `<|pad|>` first.
///
/// The same texts give the same vocabulary, and any text can be encoded with it.
///
/// ```
/// let tokenizer = teacher_train::train_bpe_tokenizer(["usb cable", "usb charger"], 280)?;
/// let ids = tokenizer.encode("usb cable, ünheard of")?;
/// assert_eq!(tokenizer.decode(&ids)?, "usb cable, ünheard of");
/// # Ok::<(), teacher_train::TeacherError>(())
/// ```
///
/// # Errors
/// [`TeacherError::InvalidConfig`] if `vocab_size` is below 258 (256 bytes and 2 special tokens);
/// [`TeacherError::Empty`] if there is no text; [`TeacherError::Vocabulary`] if training fails.
pub fn train_bpe_tokenizer<I, S>(texts: I, vocab_size: usize) -> Result<LmTokenizer, TeacherError>
where
    I: IntoIterator<Item = S>,
    I::IntoIter: Send,
    S: AsRef<str> + Send,
{
    if vocab_size < SMALLEST {
        let allowed = format!("at least {SMALLEST}");
        return Err(TeacherError::invalid("vocab_size", vocab_size, allowed));
    }
    let mut texts = texts.into_iter().peekable();
    if texts.peek().is_none() {
        return Err(TeacherError::Empty { what: "texts" });
    }
    let fail = |error: tokenizers::Error| TeacherError::Vocabulary {
        reason: error.to_string(),
    };
    let mut trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .min_frequency(2)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(
            [END_OF_TEXT, PAD]
                .map(|token| AddedToken::from(token, true))
                .to_vec(),
        )
        .show_progress(false)
        .build();
    let byte_level = ByteLevel::default().add_prefix_space(false);
    let mut tokenizer = TokenizerBuilder::<
        BPE,
        NormalizerWrapper,
        ByteLevel,
        PostProcessorWrapper,
        ByteLevel,
    >::new()
    .with_model(BPE::default())
    .with_pre_tokenizer(Some(byte_level))
    .with_decoder(Some(byte_level))
    .build()
    .map_err(fail)?;
    tokenizer.train(&mut trainer, texts).map_err(fail)?;
    // From the typed tokenizer to the one that holds any parts.
    let json = tokenizer.to_string(false).map_err(fail)?;
    let tokenizer = json.parse::<Tokenizer>().map_err(fail)?;
    Ok(LmTokenizer::from_tokenizer(tokenizer, END_OF_TEXT, PAD)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 4] = [
        "usb cable usb cable two metres",
        "garden hose with brass fittings",
        "usb charger and usb cable",
        "garden gloves",
    ];

    #[test]
    fn any_text_survives_the_round_trip() {
        let tokenizer = train_bpe_tokenizer(TEXTS, 300).expect("trains");
        for text in [
            "usb cable",
            "Ünïcode 日本語\n<label>Exact</label>",
            " spaces  kept ",
        ] {
            let ids = tokenizer.encode(text).expect("encodes");
            assert_eq!(tokenizer.decode(&ids).expect("decodes"), text);
        }
        assert!(tokenizer.vocab_size() <= 300);
        assert_ne!(tokenizer.eos_id(), tokenizer.pad_id());
    }

    #[test]
    fn the_same_texts_give_the_same_vocabulary() {
        let json = || {
            let tokenizer = train_bpe_tokenizer(TEXTS, 320).expect("trains");
            tokenizer.inner().to_string(false).expect("serialises")
        };
        assert_eq!(json(), json());
    }

    #[test]
    fn a_vocabulary_without_room_for_bytes_is_refused() {
        let error = train_bpe_tokenizer(TEXTS, 100).expect_err("too small");
        assert!(error.to_string().contains("at least 258"), "{error}");
        let none: [&str; 0] = [];
        assert!(matches!(
            train_bpe_tokenizer(none, 300),
            Err(TeacherError::Empty { what: "texts" })
        ));
    }
}
