//! A prompt and the reply to learn.

use serde::{Deserialize, Serialize};

/// A supervised example in TRL's prompt-completion form; the loss falls on the completion only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SftExample {
    /// What is asked.
    pub prompt: String,
    /// What should be answered.
    pub completion: String,
}
