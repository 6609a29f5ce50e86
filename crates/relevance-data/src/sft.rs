//! A prompt and the reply to learn.

use serde::{Deserialize, Serialize};

/// A supervised example in TRL's prompt-completion form; the loss falls on the completion only.
/// `T` is a `String`, or a [`Conversation`](crate::Conversation) in the conversational form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SftExample<T = String> {
    /// What is asked.
    pub prompt: T,
    /// What should be answered.
    pub completion: T,
}
