//! A tiny student with a word tokenizer.

#![allow(dead_code, reason = "each test file uses a part")]

use burn::tensor::Device;
use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use student_model::{BertConfig, Student};
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{AddedToken, Tokenizer};

/// Items of different lengths.
pub(crate) const ITEMS: [&str; 7] = [
    "red wireless mouse",
    "black usb keyboard with a cable and a red mouse, for children",
    "usb cable",
    "mouse",
    "",
    "keyboard keyboard keyboard",
    "a blue lamp with usb, wireless, black and red, with a cable, for a black keyboard",
];

/// Words, one id each.
pub(crate) fn tokenizer(max_length: usize, max_reasoned_length: usize) -> PairTokenizer {
    tokenizer_with_ids(0.., max_length, max_reasoned_length)
}

/// The same words with other ids, which may leave some out.
pub(crate) fn tokenizer_with_ids(
    ids: impl Iterator<Item = u32>,
    max_length: usize,
    max_reasoned_length: usize,
) -> PairTokenizer {
    let words = "[PAD] [UNK] [CLS] [SEP] red blue black wireless usb mouse keyboard cable lamp a for with \
        and children , . the query asks brand colour same other";
    let vocabulary = words
        .split_whitespace()
        .zip(ids)
        .map(|(word, id)| (word.to_owned(), id));
    let model = WordLevel::builder()
        .vocab(vocabulary.collect())
        .unk_token("[UNK]".to_owned())
        .build()
        .unwrap();
    let mut tokenizer = Tokenizer::new(model);
    tokenizer
        .with_normalizer(Some(BertNormalizer::default()))
        .unwrap();
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(|token| AddedToken::from(token, true));
    tokenizer.add_special_tokens(special).unwrap();
    let config = PairTokenizerConfig::default()
        .with_max_length(max_length)
        .with_max_reasoned_length(max_reasoned_length)
        .with_min_query_length(8);
    PairTokenizer::from_tokenizer(tokenizer, config).unwrap()
}

/// Two layers, three classes. No dropout: on this backend its random numbers come from one generator
/// for the whole process, which tests in other threads would disturb.
pub(crate) fn config() -> BertConfig {
    BertConfig {
        vocab_size: 40,
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        intermediate_size: 48,
        max_position_embeddings: 40,
        initializer_range: 0.2,
        hidden_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        ..BertConfig::default()
    }
    .with_labels(&["Exact", "Substitute", "Irrelevant"])
}

/// A student with random weights.
pub(crate) fn tiny() -> Student {
    let model = config().init(11, &Device::default()).unwrap();
    Student::new(&model, tokenizer(24, 40), &[1.0, 0.1, 0.0]).unwrap()
}

/// A reason as it is written here: none of them names a label.
#[cfg(feature = "train")]
pub(crate) fn reason(text: impl AsRef<str>) -> Option<student_model::StudentReason> {
    let rationale = relevance_data::Rationale::new(text.as_ref());
    student_model::StudentReason::new(&rationale, &relevance_data::LabelSchema::esci())
}
