//! How intervals and tests are made.

use serde::{Deserialize, Serialize};

use crate::EvalError;

/// How many resamples there may be: their figures are held until the last one (48 MB of a system's six).
pub const MAX_BOOTSTRAP_SAMPLES: usize = 1_000_000;

/// How the bootstrap intervals and the randomisation tests are made.
///
/// ```
/// use relevance_eval::EvaluationConfig;
///
/// let config = EvaluationConfig::new().with_bootstrap_samples(2000).with_seed(7);
/// assert_eq!(config.confidence, 0.95);
/// config.validate()?;
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Number of resamples of the queries (of a test: of permutations), 1 to
    /// [`MAX_BOOTSTRAP_SAMPLES`]. Default 1000.
    pub bootstrap_samples: usize,
    /// Coverage of the interval, above 0 and below 1. Default 0.95.
    pub confidence: f64,
    /// Seed of the resampling. Default 0.
    pub seed: u64,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            bootstrap_samples: 1000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

impl EvaluationConfig {
    /// The defaults.
    ///
    /// ```
    /// # use relevance_eval::EvaluationConfig;
    /// assert_eq!(EvaluationConfig::new(), EvaluationConfig::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of resamples.
    ///
    /// ```
    /// # use relevance_eval::EvaluationConfig;
    /// assert_eq!(EvaluationConfig::new().with_bootstrap_samples(50).bootstrap_samples, 50);
    /// ```
    pub fn with_bootstrap_samples(mut self, samples: usize) -> Self {
        self.bootstrap_samples = samples;
        self
    }

    /// Sets the coverage of the intervals.
    ///
    /// ```
    /// # use relevance_eval::EvaluationConfig;
    /// assert_eq!(EvaluationConfig::new().with_confidence(0.9).confidence, 0.9);
    /// ```
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// Sets the seed.
    ///
    /// ```
    /// # use relevance_eval::EvaluationConfig;
    /// assert_eq!(EvaluationConfig::new().with_seed(7).seed, 7);
    /// ```
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks the ranges.
    ///
    /// ```
    /// # use relevance_eval::EvaluationConfig;
    /// let error = EvaluationConfig::new().with_confidence(95.0).validate().unwrap_err();
    /// assert_eq!(error.to_string(), "`confidence` is 95, allowed: above 0 and below 1");
    /// ```
    ///
    /// # Errors
    /// No samples or too many, a confidence that is not strictly between 0 and 1.
    pub fn validate(&self) -> Result<(), EvalError> {
        if !(1..=MAX_BOOTSTRAP_SAMPLES).contains(&self.bootstrap_samples) {
            return Err(EvalError::InvalidConfig {
                field: "bootstrap_samples",
                value: self.bootstrap_samples.to_string(),
                allowed: "1 to 1000000",
            });
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(EvalError::InvalidConfig {
                field: "confidence",
                value: self.confidence.to_string(),
                allowed: "above 0 and below 1",
            });
        }
        Ok(())
    }
}
