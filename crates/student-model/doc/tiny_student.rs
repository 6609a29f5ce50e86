// What the examples in this crate's documentation run on: a student with random weights and a few words.

fn tiny_student() -> student_model::Student {
    use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
    use student_model::{BertConfig, Student};
    use tokenizers::models::wordlevel::WordLevel;
    use tokenizers::pre_tokenizers::whitespace::Whitespace;

    let words = "[PAD] [UNK] [CLS] [SEP] red usb wireless mouse cable keyboard , .";
    let vocabulary = words.split(' ').zip(0..).map(|(word, id)| (word.to_owned(), id));
    let words = WordLevel::builder().vocab(vocabulary.collect()).unk_token("[UNK]".to_owned());
    let mut tokenizer = tokenizers::Tokenizer::new(words.build().unwrap());
    tokenizer.with_pre_tokenizer(Some(Whitespace {}));
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
    let special = special.map(|token| tokenizers::AddedToken::from(token, true));
    tokenizer.add_special_tokens(special).unwrap();
    let tokenizer = PairTokenizer::from_tokenizer(tokenizer, PairTokenizerConfig::default()).unwrap();
    let config = BertConfig {
        vocab_size: 12, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,
        intermediate_size: 32, ..BertConfig::default()
    };
    let config = config.with_labels(&["Exact", "Substitute", "Irrelevant"]);
    let device = burn::tensor::Device::default();
    let model = config.init(7, &device).unwrap();
    Student::new(&model, tokenizer, &[1.0, 0.1, 0.0]).unwrap()
}
