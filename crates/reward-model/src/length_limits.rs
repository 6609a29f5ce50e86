//! How much of a prompt and a reply the heads read.

use serde::{Deserialize, Serialize};

use crate::error::{RewardError, check};

/// How much of prompt and reply is read, and how many replies at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LengthLimits {
    /// Most tokens of prompt and reply together; the reply's end is cut. Default 1024.
    pub max_length: usize,
    /// Most tokens of the prompt, whose beginning is cut; at least 2 below `max_length`.
    /// Default 512.
    pub max_prompt_length: usize,
    /// Examples in a batch. Default 8.
    pub batch_size: usize,
}

impl Default for LengthLimits {
    fn default() -> Self {
        Self {
            max_length: 1024,
            max_prompt_length: 512,
            batch_size: 8,
        }
    }
}

impl LengthLimits {
    /// Checks every field.
    ///
    /// # Errors
    /// [`RewardError::Config`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), RewardError> {
        let positive = |v: f64| v >= 1.0;
        check(
            "max_prompt_length",
            self.max_prompt_length as f64,
            positive,
            "at least 1",
        )?;
        let least = (self.max_prompt_length + 2) as f64;
        let allowed = "at least 2 above `max_prompt_length`";
        check(
            "max_length",
            self.max_length as f64,
            |v| v >= least,
            allowed,
        )?;
        check("batch_size", self.batch_size as f64, positive, "at least 1")
    }
}
