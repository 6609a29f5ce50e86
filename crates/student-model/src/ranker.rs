//! The ranker: what a service holds and calls from every thread.

use std::path::Path;

use burn::tensor::Device;
use serde::Serialize;

use crate::predict::{Limit, classify};
use crate::{Student, StudentError};

/// Tokens in a batch, padding included: enough to keep a CPU's matrix products large, few enough to
/// keep the widest activations in its cache.
const BATCH_TOKENS: usize = 2048;

/// Ranks items for a query by a student's expected gain.
///
/// `&self` throughout and `Send + Sync`: put it in an [`Arc`](std::sync::Arc) and call it from any
/// number of threads. A pair's result does not depend on what else is in the call (within 1e-5: a
/// batch's shape changes the order of f32 sums).
///
/// ```no_run
/// # fn main() -> Result<(), student_model::StudentError> {
/// let ranker = student_model::Ranker::from_dir("runs/student", &burn::tensor::Device::default())?;
/// for item in ranker.rank("usb c cable", &["USB-C cable, 1 m", "Lightning cable"])? {
///     println!("{} {:.3} {}", item.index, item.score, item.label);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Ranker {
    student: Student,
    labels: Vec<String>,
    batch_tokens: usize,
}

/// What a student says about one pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairScore {
    /// Probability of each class, in the order of [`Ranker::labels`]; sums to 1.
    pub probabilities: Vec<f64>,
    /// Expected gain, `Σ_k p_k gain_k`.
    pub score: f64,
    /// The most probable class.
    pub label: String,
}

/// An item in its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedItem {
    /// The item's index in the slice given.
    pub index: usize,
    /// Probability of each class, in the order of [`Ranker::labels`]; sums to 1.
    pub probabilities: Vec<f64>,
    /// Expected gain, `Σ_k p_k gain_k`.
    pub score: f64,
    /// The most probable class.
    pub label: String,
}

impl Ranker {
    /// Loads a folder that [`Student::save_dir`] wrote.
    ///
    /// # Errors
    /// As [`Student::from_dir`].
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, StudentError> {
        Ok(Self::new(Student::from_dir(dir, device)?))
    }

    /// Ranks with a student in memory.
    pub fn new(student: Student) -> Self {
        Self {
            labels: student.model.config().labels(),
            student,
            batch_tokens: BATCH_TOKENS,
        }
    }

    /// Sets how many tokens, padding included, go through the model at once (2048 by default; an
    /// accelerator can take more). A batch holds at least one pair.
    pub fn with_batch_tokens(mut self, tokens: usize) -> Self {
        self.batch_tokens = tokens;
        self
    }

    /// Class names, in the order of the probabilities.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Class gains, in the order of the probabilities.
    pub fn gains(&self) -> &[f64] {
        &self.student.gains
    }

    /// The student.
    pub fn student(&self) -> &Student {
        &self.student
    }

    /// The items, best first; equal scores keep their order. No items give no result.
    ///
    /// An item's text is cut where the tokenizer's `max_length` ends. An empty item is scored as any
    /// other.
    ///
    /// # Errors
    /// [`StudentError::EmptyQuery`] if the query is blank, [`StudentError::NonFinite`] if the model's
    /// output is not a number.
    pub fn rank<S: AsRef<str>>(
        &self,
        query: &str,
        items: &[S],
    ) -> Result<Vec<RankedItem>, StudentError> {
        let pairs: Vec<_> = items.iter().map(|item| (query, item.as_ref())).collect();
        if pairs.is_empty() && query.trim().is_empty() {
            return Err(StudentError::EmptyQuery);
        }
        let scores = self.score_pairs(&pairs)?.into_iter().enumerate();
        let mut ranked: Vec<RankedItem> = scores
            .map(|(index, pair)| RankedItem {
                index,
                probabilities: pair.probabilities,
                score: pair.score,
                label: pair.label,
            })
            .collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable
        Ok(ranked)
    }

    /// Scores (query, item) pairs, in the order given.
    ///
    /// # Errors
    /// As [`Ranker::rank`].
    pub fn score_pairs(&self, pairs: &[(&str, &str)]) -> Result<Vec<PairScore>, StudentError> {
        if pairs.iter().any(|(query, _)| query.trim().is_empty()) {
            return Err(StudentError::EmptyQuery);
        }
        let tokenizer = &self.student.tokenizer;
        let encodings = tokenizer.encode_pairs(pairs)?;
        let limit = Limit {
            rows: usize::MAX,
            tokens: self.batch_tokens,
        };
        let model = &self.student.model;
        let distributions = classify(model, &encodings, tokenizer.pad_id(), limit)?;
        Ok(distributions.into_iter().map(|p| self.scored(p)).collect())
    }

    fn scored(&self, probabilities: Vec<f64>) -> PairScore {
        let weighted = probabilities.iter().zip(&self.student.gains);
        let best = probabilities.iter().enumerate();
        // `max_by` takes the last of equals; reversed, that is the first.
        let best = best.rev().max_by(|a, b| a.1.total_cmp(b.1));
        PairScore {
            score: weighted.map(|(p, gain)| p * gain).sum(),
            label: best.map_or_else(String::new, |(i, _)| self.labels[i].clone()),
            probabilities,
        }
    }
}
