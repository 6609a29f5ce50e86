//! TRL's further dataset columns: `text`, `messages`, and `prompt`, `completion`, `label`.
//!
//! [`SftExample`](crate::SftExample) and [`PreferencePair`](crate::PreferencePair) hold the other two. All
//! are read and written by [`read_jsonl`](crate::read_jsonl) and [`write_jsonl`](crate::write_jsonl).

use serde::{Deserialize, Serialize};

/// TRL's standard language-modelling form: a column `text`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TextExample {
    /// The text.
    pub text: String,
}

/// One turn of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks: `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// TRL's conversational language-modelling form: a column `messages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessagesExample {
    /// The turns in order.
    pub messages: Vec<Message>,
}

/// TRL's unpaired-preference form, which KTO takes: columns `prompt`, `completion`, `label`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KtoExample {
    /// What was asked.
    pub prompt: String,
    /// A reply.
    pub completion: String,
    /// Whether the reply is wanted.
    pub label: bool,
}
