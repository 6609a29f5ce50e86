//! Two replies to one prompt, the better one first.

use serde::{Deserialize, Serialize};

/// A preference in TRL's explicit-prompt form: columns `prompt`, `chosen`, `rejected`, and, where a
/// reward model scored them, `score_chosen` and `score_rejected`. `T` is a `String`, or a
/// [`Conversation`](crate::Conversation) in the conversational form.
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
