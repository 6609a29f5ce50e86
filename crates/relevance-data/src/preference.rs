//! Two replies to one prompt, the better one first.

use serde::{Deserialize, Serialize};

/// A preference in TRL's explicit-prompt form: columns `prompt`, `chosen`, `rejected`, and, where a
/// reward model scored them, `score_chosen` and `score_rejected`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreferencePair {
    /// What was asked.
    pub prompt: String,
    /// The better reply.
    pub chosen: String,
    /// The worse reply.
    pub rejected: String,
    /// The better reply's reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_chosen: Option<f64>,
    /// The worse reply's reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_rejected: Option<f64>,
}
