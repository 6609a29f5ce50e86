//! The columns of TRL's datasets: `text`; `messages`; `prompt`, `completion`; `prompt`, `chosen`, `rejected`;
//! `prompt`, `completion`, `label`; in the standard form (a text) and the conversational one (turns).
//!
//! [`SftExample`](crate::SftExample) and [`PreferencePair`](crate::PreferencePair) are the records of two of
//! them. `TrlSource` reads, and `write_trl` writes, any of them (feature `tables`).

#[cfg(all(feature = "tables", feature = "parquet"))]
mod arrow;
mod column;
#[cfg(feature = "tables")]
mod object;
#[cfg(all(feature = "tables", feature = "parquet"))]
mod parquet;
#[cfg(feature = "tables")]
mod source;
#[cfg(feature = "tables")]
mod writer;

pub use column::{TrlColumn, TrlRecord, TrlText};
#[cfg(feature = "tables")]
pub use source::TrlSource;
#[cfg(feature = "tables")]
pub use writer::write_trl;

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

/// A conversation in TRL's form: its turns in order.
pub type Conversation = Vec<Message>;

/// TRL's conversational language-modelling form: a column `messages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessagesExample {
    /// The turns in order.
    pub messages: Conversation,
}

/// TRL's unpaired-preference form, which KTO takes: columns `prompt`, `completion`, `label`.
/// `T` is a `String`, or a [`Conversation`] in the conversational form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KtoExample<T = String> {
    /// What was asked.
    pub prompt: T,
    /// A reply.
    pub completion: T,
    /// Whether the reply is wanted.
    pub label: bool,
}
