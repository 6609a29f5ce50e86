//! Vocabularies whose ids have holes, as they come from cut-down checkpoints: what the largest id is, for
//! each kind of model and for added tokens.

use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use serde_json::{Value, json};
use tokenizers::Tokenizer;

/// A `tokenizer.json` around a model; `[PAD]`, `[CLS]` and `[SEP]` are its added tokens.
fn tokenizer(model: Value) -> PairTokenizer {
    let added = ["[PAD]", "[CLS]", "[SEP]"].iter().zip(0..);
    let added = added.map(|(content, id)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    });
    let json = json!({"version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added.collect::<Vec<_>>(), "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
        "model": model});
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    std::fs::write(&path, json.to_string()).unwrap();
    PairTokenizer::from_file(path, PairTokenizerConfig::default()).unwrap()
}

/// Each token that a text can become lies below the bound, and the bound is not the number of tokens.
fn assert_bound(tokenizer: &PairTokenizer, bound: usize, tokens: usize) {
    assert_eq!(tokenizer.id_bound(), bound);
    assert_eq!(tokenizer.tokenizer().get_vocab_size(true), tokens);
    let view = tokenizer.encode("a b z", "b a").unwrap();
    assert_eq!(*view.ids.iter().max().unwrap() as usize, bound - 1);
}

#[test]
fn word_piece_and_word_level() {
    let vocab = json!({"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 7, "a": 40, "b": 900});
    let model = json!({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": vocab});
    assert_bound(&tokenizer(model), 901, 6);
    let model = json!({"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"});
    assert_bound(&tokenizer(model), 901, 6);
}

#[test]
fn byte_pair_encoding() {
    let vocab = json!({"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 7, "a": 40, "b": 900});
    let model = json!({"type": "BPE", "dropout": null, "unk_token": "[UNK]", "vocab": vocab,
        "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
        "byte_fallback": false, "ignore_merges": false, "merges": []});
    assert_bound(&tokenizer(model), 901, 6);
}

#[test]
fn unigram_counts_its_places() {
    // An id is a place in the list, so only added tokens could leave a hole.
    let vocab = json!([
        ["[PAD]", 0.0],
        ["[CLS]", 0.0],
        ["[SEP]", 0.0],
        ["[UNK]", 0.0],
        ["a", -1.0],
        ["b", -2.0]
    ]);
    let model = json!({"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": false});
    assert_bound(&tokenizer(model), 6, 6);
}

#[test]
fn added_tokens_behind_a_gap() {
    // The three special tokens are not the model's own: they come behind its largest count, not its
    // largest id.
    let model =
        json!({"type": "WordLevel", "vocab": {"[UNK]": 5, "a": 70, "b": 80}, "unk_token": "[UNK]"});
    let found = tokenizer(model);
    assert_eq!(found.id_bound(), 81);
    assert!(found.cls_id() < 81 && found.sep_id() < 81);

    let mut above = Tokenizer::new(tokenizers::models::wordlevel::WordLevel::default());
    let special = ["[PAD]", "[CLS]", "[SEP]"].map(|t| tokenizers::AddedToken::from(t, true));
    above.add_special_tokens(special).unwrap();
    let found = PairTokenizer::from_tokenizer(above, PairTokenizerConfig::default()).unwrap();
    assert_eq!(found.id_bound(), 3);
}
