//! How a micro-batcher gathers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::StudentError;

/// The longest that a request may be held back for company.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Threads beyond this are a typing error: each one keeps a whole batch in flight.
const MOST_WORKERS: usize = 64;

/// Settings of a [`MicroBatcher`](crate::MicroBatcher).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MicroBatcherConfig {
    /// Tokens that go to the ranker at once, padding not counted: at least the tokenizer's
    /// `max_length`. More is more throughput and a longer turn for everyone.
    pub batch_tokens: usize,
    /// Microseconds that a request may wait for others while the budget is not full. 0: an idle
    /// worker begins at once, and requests gather only while all workers are busy.
    pub max_wait_micros: u64,
    /// Pairs that may wait. A request that finds no room is refused; one that is larger than this is
    /// taken when nothing else waits.
    pub queue_pairs: usize,
    /// Threads that run the ranker. On a CPU one is enough: the matrix products use the other cores.
    pub workers: usize,
}

impl Default for MicroBatcherConfig {
    fn default() -> Self {
        Self {
            batch_tokens: 4096,
            max_wait_micros: 1000,
            queue_pairs: 4096,
            workers: 1,
        }
    }
}

impl MicroBatcherConfig {
    /// Checks the values; `longest` is the most tokens that one pair can have.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] unless `batch_tokens` has room for the longest pair,
    /// `max_wait_micros` is at most ten seconds, `queue_pairs` is at least 1 and `workers` is 1 to 64.
    pub fn validate(&self, longest: usize) -> Result<(), StudentError> {
        let check = |key, value: u64, least: u64, most: u64, allowed: String| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(StudentError::invalid(key, value, allowed))
        };
        let allowed = format!("at least {longest}, the tokens of the longest pair");
        let (tokens, longest) = (self.batch_tokens as u64, longest.max(1) as u64);
        check("batch_tokens", tokens, longest, u64::MAX, allowed)?;
        let most = LONGEST_WAIT.as_micros() as u64;
        let allowed = format!("at most {most}");
        check("max_wait_micros", self.max_wait_micros, 0, most, allowed)?;
        let pairs = self.queue_pairs as u64;
        check("queue_pairs", pairs, 1, u64::MAX, "at least 1".to_owned())?;
        let (workers, most) = (self.workers as u64, MOST_WORKERS as u64);
        check("workers", workers, 1, most, format!("1 to {most}"))
    }

    pub(super) fn max_wait(&self) -> Duration {
        Duration::from_micros(self.max_wait_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        let config = MicroBatcherConfig::default();
        config.validate(128).unwrap();
        let refused = |change: fn(&mut MicroBatcherConfig)| {
            let mut config = config.clone();
            change(&mut config);
            config.validate(128).unwrap_err().to_string()
        };
        assert_eq!(
            refused(|c| c.batch_tokens = 127),
            "`batch_tokens` is 127, allowed: at least 128, the tokens of the longest pair"
        );
        assert_eq!(
            refused(|c| c.max_wait_micros = 10_000_001),
            "`max_wait_micros` is 10000001, allowed: at most 10000000"
        );
        assert_eq!(
            refused(|c| c.queue_pairs = 0),
            "`queue_pairs` is 0, allowed: at least 1"
        );
        for workers in [0, 65] {
            let error = MicroBatcherConfig {
                workers,
                ..config.clone()
            };
            let error = error.validate(128).unwrap_err().to_string();
            assert_eq!(error, format!("`workers` is {workers}, allowed: 1 to 64"));
        }
    }

    #[test]
    fn a_file_may_leave_keys_out_but_not_invent_them() {
        let read = serde_json::from_str::<MicroBatcherConfig>;
        let config = read(r#"{"workers": 2}"#).unwrap();
        assert_eq!(
            (config.workers, config.batch_tokens),
            (2, MicroBatcherConfig::default().batch_tokens)
        );
        let error = read(r#"{"worker": 2}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `worker`"), "{error}");
    }
}
