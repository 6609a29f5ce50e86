//! The longest input of a BERT and of a RoBERTa, whose first positions stand before its tokens.

use burn::tensor::Device;
use pair_tokenizer::{Encoding, PairTokenizer, PairTokenizerConfig};
use student_model::{BertConfig, ModelType, Ranker, Student, StudentError};
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::{AddedToken, Tokenizer};

const WORDS: usize = 8;

/// A student whose padding has the given id.
fn ranker(model_type: ModelType, positions: usize, pad_id: usize) -> Ranker {
    let names = ["[CLS]", "[SEP]", "[UNK]", "a", "b", "c", "d"];
    let mut words: Vec<&str> = names.to_vec();
    words.insert(pad_id, "[PAD]");
    let vocabulary = words
        .iter()
        .zip(0..)
        .map(|(word, id)| ((*word).to_owned(), id));
    let words = WordLevel::builder().vocab(vocabulary.collect());
    let words = words.unk_token("[UNK]".to_owned()).build().unwrap();
    let mut tokenizer = Tokenizer::new(words);
    let special = ["[CLS]", "[SEP]", "[UNK]", "[PAD]"].map(|token| AddedToken::from(token, true));
    tokenizer.add_special_tokens(special).unwrap();
    let tokenizer = PairTokenizer::from_tokenizer(tokenizer, PairTokenizerConfig::default());
    let tokenizer = tokenizer.unwrap();
    let config = BertConfig {
        model_type,
        vocab_size: WORDS,
        hidden_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 8,
        max_position_embeddings: positions,
        pad_token_id: pad_id,
        ..BertConfig::default()
    };
    let config = config.with_labels(&["Exact", "Irrelevant"]);
    let model = config.init(1, &Device::default()).unwrap();
    Ranker::new(Student::new(&model, tokenizer, &[1.0, 0.0]).unwrap())
}

/// Tokens that are never padding.
fn encoding(length: usize) -> Encoding {
    Encoding {
        ids: vec![WORDS as u32 - 1; length],
        type_ids: vec![0; length],
    }
}

#[test]
fn inputs_as_long_as_the_model_can_read_are_scored_and_longer_ones_refused() {
    let students = [
        (ModelType::Bert, 512, 0, 512),
        (ModelType::Bert, 514, 0, 514),
        // The first `pad_id + 1` positions are no token's.
        (ModelType::Roberta, 514, 1, 512),
        (ModelType::Roberta, 514, 3, 510),
        (ModelType::XlmRoberta, 514, 1, 512),
    ];
    for (model_type, positions, pad_id, longest) in students {
        let ranker = ranker(model_type, positions, pad_id);
        for length in [1, 510, 511, 512, 513, 514, 515] {
            let found = ranker.score_encodings(&[encoding(3), encoding(length)], None);
            match found {
                Ok(scores) if length <= longest => assert!(scores[1].score.is_finite()),
                Err(StudentError::Encoding {
                    index: 1,
                    found,
                    allowed,
                }) if length > longest => {
                    assert_eq!(found, format!("{length} tokens"));
                    assert_eq!(allowed, format!("1 to {longest}"));
                }
                other => panic!("{model_type}, padding {pad_id}, {length} tokens: {other:?}"),
            }
        }
    }
}
