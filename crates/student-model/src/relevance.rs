//! `relevance.json`: what a ranker needs to know and Hugging Face's `config.json` has no keys for.

use std::collections::BTreeMap;
use std::path::Path;

use pair_tokenizer::PairTokenizerConfig;
use serde::{Deserialize, Serialize};

use crate::{BertConfig, StudentError};

/// Its name.
pub(crate) const RELEVANCE_FILE: &str = "relevance.json";

/// Gains of the classes, and how pairs are tokenised: the content of `relevance.json`.
///
/// Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RelevanceConfig {
    /// The gain of each class, by its name; a pair's score is `Σ_k p_k gain_k`.
    pub label_gains: BTreeMap<String, f64>,
    /// The tokenisation the student was trained with, `max_length` among it.
    #[serde(default)]
    pub pair_tokenizer: PairTokenizerConfig,
    /// T of `softmax(logits / T)`, fitted on held-out pairs (temperature scaling, Guo et al. 2017,
    /// arXiv 1706.04599). Default 1: not calibrated.
    #[serde(default = "uncalibrated")]
    pub temperature: f64,
}

fn uncalibrated() -> f64 {
    1.0
}

impl RelevanceConfig {
    /// Reads `relevance.json` from a student's folder. [`RelevanceConfig::gains`] checks it.
    ///
    /// # Errors
    /// [`StudentError::Folder`] if it cannot be read, or holds other keys.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self, StudentError> {
        Ok(hf_folder::read_json(dir.as_ref().join(RELEVANCE_FILE))?)
    }

    /// Names gains in the order of the model's classes.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] unless there is one finite gain a class.
    pub fn new(
        config: &BertConfig,
        gains: &[f64],
        pair_tokenizer: PairTokenizerConfig,
    ) -> Result<Self, StudentError> {
        if gains.len() != config.num_labels() {
            let allowed = format!("one for each of {:?}", config.labels());
            return Err(StudentError::invalid(
                "label_gains",
                format!("{gains:?}"),
                allowed,
            ));
        }
        let relevance = Self {
            label_gains: config
                .labels()
                .into_iter()
                .zip(gains.iter().copied())
                .collect(),
            pair_tokenizer,
            temperature: uncalibrated(),
        };
        relevance.gains(config)?;
        Ok(relevance)
    }

    /// The gains in the order of the model's classes.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] unless there is one finite gain for each of the model's
    /// classes and for nothing else.
    pub fn gains(&self, config: &BertConfig) -> Result<Vec<f64>, StudentError> {
        let labels = config.labels();
        let known = self.label_gains.keys().all(|name| labels.contains(name));
        if !known || self.label_gains.len() != labels.len() {
            let names: Vec<_> = self.label_gains.keys().collect();
            let allowed = format!("the classes of config.json, {labels:?}");
            return Err(StudentError::invalid(
                "label_gains",
                format!("{names:?}"),
                allowed,
            ));
        }
        if let Some((name, gain)) = self.label_gains.iter().find(|(_, gain)| !gain.is_finite()) {
            let key = format!("label_gains.{name}");
            return Err(StudentError::invalid(&key, gain, "a finite number"));
        }
        Ok(labels.iter().map(|name| self.label_gains[name]).collect())
    }
}
