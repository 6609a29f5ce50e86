//! `config.json`: what is taken, what is refused.

use student_model::{BertConfig, HiddenAct};

/// The error for a `config.json` with these keys besides `model_type`.
fn refused(keys: &str) -> String {
    let text = format!(r#"{{"model_type": "bert", {keys}}}"#);
    BertConfig::from_json(&text).unwrap_err().to_string()
}

#[test]
fn the_keys_of_a_real_file_are_taken() {
    // config.json of sentence-transformers/all-MiniLM-L6-v2
    let config = BertConfig::from_json(
        r#"{"_name_or_path": "nreimers/MiniLM-L6-H384-uncased", "architectures": ["BertModel"],
        "attention_probs_dropout_prob": 0.1, "gradient_checkpointing": false, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "hidden_size": 384, "initializer_range": 0.02,
        "intermediate_size": 1536, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
        "model_type": "bert", "num_attention_heads": 12, "num_hidden_layers": 6, "pad_token_id": 0,
        "position_embedding_type": "absolute", "transformers_version": "4.8.2",
        "type_vocab_size": 2, "use_cache": true, "vocab_size": 30522}"#,
    )
    .unwrap();
    assert_eq!(config.labels(), ["LABEL_0", "LABEL_1"]);
    assert_eq!((config.num_hidden_layers, config.hidden_size), (6, 384));
    assert_eq!(config.hidden_act, HiddenAct::Gelu);
}

#[test]
fn unsupported_kinds_are_refused_with_what_is_allowed() {
    let error = BertConfig::from_json(r#"{"model_type": "gpt2"}"#)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        r#"config.json: `model_type` is "gpt2", allowed: "bert", "roberta" or "xlm-roberta""#
    );
    assert!(
        BertConfig::from_json("{}")
            .unwrap_err()
            .to_string()
            .contains("`model_type` is null")
    );
    let error = refused(r#""position_embedding_type": "relative_key""#);
    assert_eq!(
        error,
        r#"config.json: `position_embedding_type` is "relative_key", allowed: "absolute""#
    );
    let error = refused(r#""hidden_act": "silu""#);
    assert_eq!(
        error,
        r#"config.json: `hidden_act` is "silu", allowed: "gelu", "relu" or "gelu_new""#
    );
    assert!(refused(r#""is_decoder": true"#).contains("`is_decoder` is true, allowed: false"));
    assert!(refused(r#""add_cross_attention": true"#).contains("add_cross_attention"));
    assert!(refused(r#""pruned_heads": {"0": [1]}"#).contains("pruned_heads"));
}

#[test]
fn values_out_of_range_are_refused() {
    for (keys, part) in [
        (
            r#""hidden_size": 0"#,
            "`hidden_size` is 0, allowed: at least 1",
        ),
        (
            r#""hidden_size": 100"#,
            "`num_attention_heads` is 12, allowed: a divisor of hidden_size = 100",
        ),
        (
            r#""hidden_dropout_prob": 1.0"#,
            "`hidden_dropout_prob` is 1, allowed: in [0, 1)",
        ),
        (
            r#""classifier_dropout": -0.5"#,
            "`classifier_dropout` is -0.5",
        ),
        (
            r#""layer_norm_eps": 0.0"#,
            "`layer_norm_eps` is 0, allowed: above 0",
        ),
        (r#""initializer_range": -1"#, "`initializer_range` is -1"),
        (
            r#""pad_token_id": 40000"#,
            "`pad_token_id` is 40000, allowed: below vocab_size = 30522",
        ),
        (r#""hidden_size": -4"#, "invalid value"),
    ] {
        let error = refused(keys);
        assert!(error.contains(part), "{keys}: {error}");
    }
}

#[test]
fn labels_must_be_counted_from_zero_distinct_and_consistent() {
    assert!(refused(r#""id2label": {}"#).contains("`id2label` is [], allowed: indices 0, 1, 2"));
    assert!(refused(r#""id2label": {"0": "a", "2": "b"}"#).contains("`id2label` is [0, 2]"));
    assert!(refused(r#""id2label": {"0": "a", "1": "a"}"#).contains("distinct names"));
    let error = refused(r#""id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}"#);
    assert!(
        error.contains("allowed: the inverse of id2label"),
        "{error}"
    );
    let config = BertConfig::from_json(r#"{"model_type": "bert", "num_labels": 3}"#).unwrap();
    assert_eq!(config.labels(), ["LABEL_0", "LABEL_1", "LABEL_2"]);
}
