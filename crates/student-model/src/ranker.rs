//! The ranker: what a service holds and calls from every thread.

use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use ndarray::Array2;
use pair_tokenizer::Encoding;
use serde::Serialize;

use crate::inference::{Inference, Wanted};
use crate::predict::{Limit, distributions, in_batches};
use crate::student::check_encodings;
use crate::threads::Threads;
use crate::{Student, StudentError};

/// Tokens in a batch, padding included: enough to keep a CPU's matrix products large, few enough to
/// keep the widest activations in its cache.
const BATCH_TOKENS: usize = 2048;

/// Ranks items for a query by a student's expected gain.
///
/// `&self` throughout and `Send + Sync`: put it in an [`Arc`](std::sync::Arc) and call it from any
/// number of threads.
///
/// On the device `Device::flex()` it runs kernels of its own, several times faster than the model's
/// [`forward`](crate::BertForSequenceClassification::forward) there: made for the processor's widest
/// vectors, without padding, on rayon's threads. They need a second copy of the weights. A pair's result
/// then does not depend on what else is in the call, nor on the number of threads, to the last bit. On every
/// other device burn runs the model, and a batch's shape may change a result within 1e-5. Both agree
/// within 1e-5.
///
/// The threads are those of the rayon pool that the caller is in, so that calls from a parallel iterator
/// share its pool; otherwise the global pool's (`RAYON_NUM_THREADS`), or the ranker's own
/// ([`Ranker::with_threads`]).
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/tiny_student.rs"));
/// use student_model::Ranker;
///
/// # fn main() -> Result<(), student_model::StudentError> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().join("student");
/// # tiny_student().save_dir(&folder)?;
/// let ranker = Ranker::from_dir(&folder, &burn::tensor::Device::default())?;
/// let items = ["wireless mouse, red", "usb cable", "keyboard"];
/// let ranked = ranker.rank("red mouse", &items)?;
/// assert_eq!(ranked.len(), 3);
/// assert!(ranked[0].score >= ranked[1].score && ranked[1].score >= ranked[2].score);
/// println!("{} {:.3} {}", items[ranked[0].index], ranked[0].score, ranked[0].label);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Ranker {
    student: Student,
    inference: Inference,
    labels: Vec<String>,
    batch_tokens: usize,
    threads: Threads,
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
            inference: Inference::new(&student.model),
            student,
            batch_tokens: BATCH_TOKENS,
            threads: Threads::default(),
        }
    }

    /// Sets how many tokens, padding included, go through the model at once (2048 by default; an
    /// accelerator can take more). A batch holds at least one pair.
    pub fn with_batch_tokens(mut self, tokens: usize) -> Self {
        self.batch_tokens = tokens;
        self
    }

    /// Gives the ranker `count` threads of its own, in the place of the caller's rayon pool: to bound what
    /// it takes of a machine, or where callers' rayon threads block until another thread has called the
    /// ranker for them. Nothing changes on devices other than `Device::flex()`, and no result does.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] for a count of 0; [`StudentError::Worker`] if a thread cannot be
    /// started.
    pub fn with_threads(mut self, count: usize) -> Result<Self, StudentError> {
        if count == 0 {
            return Err(StudentError::invalid("threads", count, "at least 1"));
        }
        self.threads = Threads::own(count)?;
        Ok(self)
    }

    pub(crate) fn threads(&self) -> &Threads {
        &self.threads
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

    /// The items, best first; equal scores keep their order. No items give no result. The query is
    /// tokenised once.
    ///
    /// An item's text is cut where the tokenizer's `max_length` ends. An empty item is scored as any
    /// other.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/tiny_student.rs"));
    /// # fn main() -> Result<(), student_model::StudentError> {
    /// # let ranker = student_model::Ranker::new(tiny_student());
    /// assert_eq!((ranker.labels()[1].as_str(), ranker.gains()), ("Substitute", &[1.0, 0.1, 0.0][..]));
    /// for item in ranker.rank("red mouse", &["usb cable", "red mouse"])? {
    ///     let p = &item.probabilities;
    ///     assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    ///     assert!((item.score - (1.0 * p[0] + 0.1 * p[1])).abs() < 1e-12); // the expected gain
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StudentError::EmptyQuery`] if the query is blank, [`StudentError::NonFinite`] if the model's
    /// output is not a number.
    pub fn rank<S: AsRef<str> + Sync>(
        &self,
        query: &str,
        items: &[S],
    ) -> Result<Vec<RankedItem>, StudentError> {
        self.rank_until(query, items, None)
    }

    /// [`Ranker::rank`] unless `deadline` passes. It is looked at before each batch: a call ends at most
    /// one batch ([`Ranker::with_batch_tokens`]) after it.
    ///
    /// # Errors
    /// As [`Ranker::rank`]; [`StudentError::DeadlineExceeded`].
    pub fn rank_until<S: AsRef<str> + Sync>(
        &self,
        query: &str,
        items: &[S],
        deadline: Option<Instant>,
    ) -> Result<Vec<RankedItem>, StudentError> {
        check_deadline(deadline, items.len())?;
        let encodings = self.encode_items(query, items)?;
        Ok(best_first(self.score(&encodings, deadline)?))
    }

    /// Scores (query, item) pairs, in the order given.
    ///
    /// # Errors
    /// As [`Ranker::rank`].
    pub fn score_pairs(&self, pairs: &[(&str, &str)]) -> Result<Vec<PairScore>, StudentError> {
        self.score_pairs_until(pairs, None)
    }

    /// [`Ranker::score_pairs`] unless `deadline` passes, as in [`Ranker::rank_until`].
    ///
    /// # Errors
    /// As [`Ranker::rank_until`].
    pub fn score_pairs_until(
        &self,
        pairs: &[(&str, &str)],
        deadline: Option<Instant>,
    ) -> Result<Vec<PairScore>, StudentError> {
        check_deadline(deadline, pairs.len())?;
        self.score(&self.encode(pairs)?, deadline)
    }

    /// Scores pairs that are tokens already, in the order given: for a service that keeps them, or makes
    /// them elsewhere. The student's own tokenizer ([`Student::tokenizer`]) should have made them.
    ///
    /// # Errors
    /// [`StudentError::Encoding`] if the model cannot read one; otherwise as [`Ranker::rank_until`].
    pub fn score_encodings(
        &self,
        encodings: &[Encoding],
        deadline: Option<Instant>,
    ) -> Result<Vec<PairScore>, StudentError> {
        check_encodings(&self.student.model, encodings)?;
        self.score(encodings, deadline)
    }

    /// The representation of each pair, in the order given: the last hidden state at `[CLS]`, which CRSD
    /// aligns. Not normalised.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/tiny_student.rs"));
    /// # fn main() -> Result<(), student_model::StudentError> {
    /// # let ranker = student_model::Ranker::new(tiny_student());
    /// let pairs = [("red mouse", "wireless mouse"), ("red mouse", "usb cable")];
    /// let embeddings = ranker.embed(&pairs)?;
    /// assert_eq!(embeddings.dim(), (2, 16)); // pairs, hidden size
    /// let (a, b) = (embeddings.row(0), embeddings.row(1));
    /// let cosine = a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt();
    /// assert!(cosine < 1.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Shapes
    /// `[pairs, h]`, in the model's own f32; no pairs, no rows.
    ///
    /// # Errors
    /// As [`Ranker::rank`].
    pub fn embed(&self, pairs: &[(&str, &str)]) -> Result<Array2<f32>, StudentError> {
        self.embed_until(pairs, None)
    }

    /// [`Ranker::embed`] unless `deadline` passes, as in [`Ranker::rank_until`].
    ///
    /// # Errors
    /// As [`Ranker::rank_until`].
    pub fn embed_until(
        &self,
        pairs: &[(&str, &str)],
        deadline: Option<Instant>,
    ) -> Result<Array2<f32>, StudentError> {
        check_deadline(deadline, pairs.len())?;
        let encodings = self.encode(pairs)?;
        self.threads
            .run(|| self.in_batches(&encodings, deadline, Wanted::Cls))
    }

    pub(crate) fn encode_items<S: AsRef<str> + Sync>(
        &self,
        query: &str,
        items: &[S],
    ) -> Result<Vec<Encoding>, StudentError> {
        if query.trim().is_empty() {
            return Err(StudentError::EmptyQuery);
        }
        let tokenizer = &self.student.tokenizer;
        Ok(self.threads.run(|| tokenizer.encode_items(query, items))?)
    }

    pub(crate) fn encode(&self, pairs: &[(&str, &str)]) -> Result<Vec<Encoding>, StudentError> {
        if pairs.iter().any(|(query, _)| query.trim().is_empty()) {
            return Err(StudentError::EmptyQuery);
        }
        let tokenizer = &self.student.tokenizer;
        Ok(self.threads.run(|| tokenizer.encode_pairs(pairs))?)
    }

    pub(crate) fn score(
        &self,
        encodings: &[Encoding],
        deadline: Option<Instant>,
    ) -> Result<Vec<PairScore>, StudentError> {
        let logits = self
            .threads
            .run(|| self.in_batches(encodings, deadline, Wanted::Logits))?;
        let probabilities = distributions(&logits, self.student.temperature)?;
        let rows = probabilities.rows().into_iter();
        Ok(rows.map(|row| self.scored(row.to_vec())).collect())
    }

    fn in_batches(
        &self,
        encodings: &[Encoding],
        deadline: Option<Instant>,
        wanted: Wanted,
    ) -> Result<Array2<f32>, StudentError> {
        let limit = Limit {
            tokens: self.batch_tokens,
            deadline,
            ..Limit::none()
        };
        let Student {
            model, tokenizer, ..
        } = &self.student;
        in_batches(encodings, limit, wanted.width(model.config()), |rows| {
            let pad_id = tokenizer.pad_id();
            self.inference.run(model, wanted, rows, pad_id)
        })
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

/// Items in their places; equal scores keep their order.
pub(crate) fn best_first(scores: Vec<PairScore>) -> Vec<RankedItem> {
    let scores = scores.into_iter().enumerate();
    let mut ranked: Vec<RankedItem> = scores
        .map(|(index, pair)| RankedItem {
            index,
            probabilities: pair.probabilities,
            score: pair.score,
            label: pair.label,
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable
    ranked
}

/// Refuses a call that is late already, before any work is put into it. No pairs need no time.
pub(crate) fn check_deadline(deadline: Option<Instant>, total: usize) -> Result<(), StudentError> {
    match deadline {
        Some(deadline) if total > 0 && Instant::now() >= deadline => {
            Err(StudentError::DeadlineExceeded { done: 0, total })
        }
        _ => Ok(()),
    }
}
