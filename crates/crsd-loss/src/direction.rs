//! Which view looks for its partner among the other.

use serde::{Deserialize, Serialize};

/// Direction of a loss between the two views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Each standard row looks for its own reasoned column: the paper's `n x n` matrix read by
    /// rows.
    #[default]
    StandardToReasoned,
    /// The mean of both directions, as in CLIP (arXiv 2103.00020).
    Symmetric,
}
