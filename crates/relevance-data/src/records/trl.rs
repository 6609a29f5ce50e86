//! The records of TRL's datasets, in the standard form (a text) and the conversational one (turns): columns
//! `text`; `messages`; `prompt`, `completion`; `prompt`, `chosen`, `rejected`; `prompt`, `completion`, `label`.

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
///
/// ```
/// use relevance_data::MessagesExample;
/// let line = r#"{"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]}"#;
/// let example: MessagesExample = serde_json::from_str(line)?;
/// assert_eq!(example.messages[1].role, "assistant");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessagesExample {
    /// The turns in order.
    pub messages: Conversation,
}

/// A supervised example in TRL's prompt-completion form; the loss falls on the completion only.
/// `T` is a `String`, or a [`Conversation`] in the conversational form.
///
/// ```
/// use relevance_data::SftExample;
/// let example: SftExample = serde_json::from_str(r#"{"prompt": "2 + 2?", "completion": "4"}"#)?;
/// assert_eq!(example.completion, "4");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SftExample<T = String> {
    /// What is asked.
    pub prompt: T,
    /// What should be answered.
    pub completion: T,
}

/// A preference in TRL's explicit-prompt form: columns `prompt`, `chosen`, `rejected`, and, where a
/// reward model scored them, `score_chosen` and `score_rejected`. `T` is a `String`, or a
/// [`Conversation`] in the conversational form.
///
/// ```
/// use relevance_data::PreferencePair;
/// let pair = PreferencePair { prompt: "2 + 2?".to_owned(), chosen: "4".into(), rejected: "5".into(), ..Default::default() };
/// // Scores that no reward model gave are no columns.
/// assert_eq!(serde_json::to_string(&pair)?, r#"{"prompt":"2 + 2?","chosen":"4","rejected":"5"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreferencePair<T = String> {
    /// What was asked.
    pub prompt: T,
    /// The better reply.
    pub chosen: T,
    /// The worse reply.
    pub rejected: T,
    /// The better reply's reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_chosen: Option<f64>,
    /// The worse reply's reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_rejected: Option<f64>,
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
