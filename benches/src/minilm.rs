//! The student that is measured.

use student_model::BertConfig;

/// all-MiniLM-L6-v2: 6 layers, hidden 384, 12 heads, intermediate 1536; ESCI's classes.
pub fn minilm() -> BertConfig {
    BertConfig {
        vocab_size: 30522,
        hidden_size: 384,
        num_hidden_layers: 6,
        num_attention_heads: 12,
        intermediate_size: 1536,
        ..BertConfig::default()
    }
    .with_labels(&["Exact", "Substitute", "Complement", "Irrelevant"])
}
