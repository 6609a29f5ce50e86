//! How a micro-batcher gathers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::StudentError;

/// The longest that a request may be held back for company.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Threads beyond this are a typing error: each one keeps a whole batch in flight.
const MOST_WORKERS: usize = 64;

/// Settings of a [`MicroBatcher`](crate::MicroBatcher). Unknown keys are rejected, missing ones take their
/// default; in a file, times are seconds.
///
/// ```
/// use std::time::Duration;
/// use student_model::MicroBatcherConfig;
///
/// let config: MicroBatcherConfig = serde_json::from_str(r#"{"max_wait": 0.002, "timeout": 0.5}"#)?;
/// let same = MicroBatcherConfig::new()
///     .with_max_wait(Duration::from_millis(2))
///     .with_timeout(Some(Duration::from_millis(500)));
/// assert_eq!(config, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MicroBatcherConfig {
    /// Tokens that go to the ranker at once, padding not counted: at least the tokenizer's
    /// `max_length`. More is more throughput and a longer turn for everyone. Default 4096.
    pub batch_tokens: usize,
    /// How long a request may wait for others while the budget is not full. 0: an idle worker begins at
    /// once, and requests gather only while all workers are busy. Default 1 ms.
    #[serde(with = "seconds")]
    pub max_wait: Duration,
    /// How long a request may take that brings no deadline of its own, counted from when it was taken in.
    /// Default: as long as it takes.
    #[serde(with = "seconds::optional")]
    pub timeout: Option<Duration>,
    /// Pairs that may wait. A request that finds no room is refused; one that is larger than this is
    /// taken when nothing else waits. Default 4096.
    pub queue_pairs: usize,
    /// Threads that hand batches to the ranker. On a CPU one is enough: the matrix products use the other
    /// cores. Default 1.
    pub workers: usize,
}

impl Default for MicroBatcherConfig {
    fn default() -> Self {
        Self {
            batch_tokens: 4096,
            max_wait: Duration::from_millis(1),
            timeout: None,
            queue_pairs: 4096,
            workers: 1,
        }
    }
}

impl MicroBatcherConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the tokens that go to the ranker at once.
    #[must_use]
    pub fn with_batch_tokens(mut self, batch_tokens: usize) -> Self {
        self.batch_tokens = batch_tokens;
        self
    }

    /// Sets how long a request may wait for others.
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets how long a request without a deadline may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many pairs may wait.
    #[must_use]
    pub fn with_queue_pairs(mut self, queue_pairs: usize) -> Self {
        self.queue_pairs = queue_pairs;
        self
    }

    /// Sets how many threads hand batches to the ranker.
    #[must_use]
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Checks the values; `longest` is the most tokens that one pair can have.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] unless `batch_tokens` has room for the longest pair,
    /// `max_wait` is at most ten seconds, `timeout` is above 0, `queue_pairs` is at least 1 and `workers`
    /// is 1 to 64.
    pub fn validate(&self, longest: usize) -> Result<(), StudentError> {
        if self.batch_tokens < longest.max(1) {
            let allowed = format!("at least {longest}, the tokens of the longest pair");
            let tokens = self.batch_tokens;
            return Err(StudentError::invalid("batch_tokens", tokens, allowed));
        }
        if self.max_wait > LONGEST_WAIT {
            let found = format!("{:?}", self.max_wait);
            let allowed = format!("at most {LONGEST_WAIT:?}");
            return Err(StudentError::invalid("max_wait", found, allowed));
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(StudentError::invalid("timeout", "0s", "above 0, or none"));
        }
        if self.queue_pairs == 0 {
            return Err(StudentError::invalid("queue_pairs", 0, "at least 1"));
        }
        if !(1..=MOST_WORKERS).contains(&self.workers) {
            let allowed = format!("1 to {MOST_WORKERS}");
            return Err(StudentError::invalid("workers", self.workers, allowed));
        }
        Ok(())
    }
}

/// Durations as numbers of seconds.
mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(time.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|e| D::Error::custom(format!("{seconds} seconds: {e}")))
    }

    /// The same, or `null`.
    pub(super) mod optional {
        use super::*;

        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<Duration>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, to),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            #[derive(Deserialize)]
            struct Seconds(#[serde(with = "super")] Duration);

            let found = Option::<Seconds>::deserialize(from)?;
            Ok(found.map(|Seconds(time)| time))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        let config = MicroBatcherConfig::new();
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
            refused(|c| c.max_wait = Duration::from_millis(10_001)),
            "`max_wait` is 10.001s, allowed: at most 10s"
        );
        assert_eq!(
            refused(|c| c.timeout = Some(Duration::ZERO)),
            "`timeout` is 0s, allowed: above 0, or none"
        );
        assert_eq!(
            refused(|c| c.queue_pairs = 0),
            "`queue_pairs` is 0, allowed: at least 1"
        );
        for workers in [0, 65] {
            let error = config.clone().with_workers(workers).validate(128);
            let error = error.unwrap_err().to_string();
            assert_eq!(error, format!("`workers` is {workers}, allowed: 1 to 64"));
        }
    }

    #[test]
    fn a_file_may_leave_keys_out_but_not_invent_them() {
        let read = serde_json::from_str::<MicroBatcherConfig>;
        let config = read(r#"{"workers": 2}"#).unwrap();
        assert_eq!(config, MicroBatcherConfig::new().with_workers(2));
        let error = read(r#"{"worker": 2}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `worker`"), "{error}");
    }

    #[test]
    fn times_are_seconds_in_a_file() {
        let config = MicroBatcherConfig::new()
            .with_max_wait(Duration::from_micros(1500))
            .with_timeout(Some(Duration::from_secs(2)));
        let text = serde_json::to_string(&config).unwrap();
        assert!(
            text.contains(r#""max_wait":0.0015,"timeout":2.0"#),
            "{text}"
        );
        let read = serde_json::from_str::<MicroBatcherConfig>;
        assert_eq!(read(&text).unwrap(), config);
        assert_eq!(
            read(r#"{"timeout": null}"#).unwrap(),
            MicroBatcherConfig::new()
        );
        for bad in [
            r#"{"max_wait": -1}"#,
            r#"{"timeout": -0.5}"#,
            r#"{"timeout": 1e300}"#,
        ] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("seconds: "), "{bad}: {error}");
        }
    }
}
