//! Concurrent requests, gathered into batches.

mod answer;
mod config;
mod pending;
mod queue;
#[cfg(test)]
mod tests;
mod workers;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use pair_tokenizer::Encoding;

use crate::StudentError;
use crate::ranker::{PairScore, RankedItem, Ranker, best_first, check_deadline};
use queue::Queue;
use workers::Workers;

pub use config::MicroBatcherConfig;
pub use pending::Pending;

/// A [`Ranker`] with a queue before it: requests of many callers go through the model together.
///
/// Worth it where many small requests come at once; a caller with a hundred items fills batches by
/// itself. Threads of `std` do the work, and no async runtime is needed: a call blocks
/// ([`MicroBatcher::rank`]), or gives a handle at once ([`MicroBatcher::submit`]) that can be waited for
/// or awaited anywhere.
///
/// - Texts are tokenised on the caller's thread. A batch takes pairs in the order in which requests came
///   until [`batch_tokens`](MicroBatcherConfig::batch_tokens) is full. A request that needs more than
///   one batch takes turns with the others.
/// - The queue is bounded: a request that finds no room gets [`StudentError::QueueFull`] at once, before
///   it is tokenised.
/// - A request whose deadline passes gets [`StudentError::DeadlineExceeded`]; pairs that no worker has
///   begun by then are not computed. Nor are those of a request whose handle is dropped.
/// - What a request gets does not depend on its company: results are those of [`Ranker`] (within 1e-5),
///   and if a batch fails its requests are tried one by one. A panic in the model is
///   [`StudentError::Panicked`] to the request that caused it; the batcher goes on.
/// - Dropped, the batcher finishes the batches that are being computed, and what still waits gets
///   [`StudentError::ShutDown`]; [`MicroBatcher::drain`] answers all of it first. Both block until then.
///
/// ```no_run
/// # fn main() -> Result<(), student_model::StudentError> {
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use student_model::{MicroBatcher, MicroBatcherConfig, Ranker};
///
/// let ranker = Arc::new(Ranker::from_dir("runs/student", &burn::tensor::Device::default())?);
/// let batcher = MicroBatcher::new(ranker, MicroBatcherConfig::default())?;
/// let deadline = Some(Instant::now() + Duration::from_millis(200));
/// // From any thread:
/// let ranked = batcher.rank_until("usb c cable", &["USB-C cable, 1 m", "Lightning cable"], deadline)?;
/// // From a task, of any runtime:
/// let pending = batcher.submit("usb c cable", &["USB-C cable, 1 m"], deadline)?;
/// let task = async move { pending.await };
/// # drop((ranked, task));
/// # Ok(())
/// # }
/// ```
pub struct MicroBatcher {
    ranker: Arc<Ranker>,
    workers: Workers,
}

impl MicroBatcher {
    /// Starts the workers.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] as [`MicroBatcherConfig::validate`];
    /// [`StudentError::Worker`] if a thread cannot be started.
    pub fn new(ranker: Arc<Ranker>, config: MicroBatcherConfig) -> Result<Self, StudentError> {
        config.validate(ranker.student().tokenizer().config().max_length)?;
        let count = config.workers;
        let score = {
            let ranker = Arc::clone(&ranker);
            move |rows: &[Encoding]| ranker.score(rows, None)
        };
        let queue = Arc::new(Queue::new(config));
        Ok(Self {
            ranker,
            workers: Workers::start(count, queue, Arc::new(score))?,
        })
    }

    /// The ranker.
    pub fn ranker(&self) -> &Arc<Ranker> {
        &self.ranker
    }

    /// Pairs that wait and that no worker has begun.
    pub fn waiting_pairs(&self) -> usize {
        self.workers.queue().waiting_pairs()
    }

    /// [`Ranker::rank`], in company. Blocks.
    ///
    /// # Errors
    /// As [`MicroBatcher::rank_until`].
    pub fn rank<S: AsRef<str> + Sync>(
        &self,
        query: &str,
        items: &[S],
    ) -> Result<Vec<RankedItem>, StudentError> {
        self.rank_until(query, items, None)
    }

    /// [`Ranker::rank_until`], in company. Blocks until there is an answer or the deadline has passed.
    ///
    /// # Errors
    /// As [`Ranker::rank_until`]; [`StudentError::QueueFull`], [`StudentError::ShutDown`],
    /// [`StudentError::Panicked`].
    pub fn rank_until<S: AsRef<str> + Sync>(
        &self,
        query: &str,
        items: &[S],
        deadline: Option<Instant>,
    ) -> Result<Vec<RankedItem>, StudentError> {
        self.submit(query, items, deadline)?.wait()
    }

    /// [`Ranker::score_pairs_until`], in company. Blocks.
    ///
    /// # Errors
    /// As [`MicroBatcher::rank_until`].
    pub fn score_pairs(
        &self,
        pairs: &[(&str, &str)],
        deadline: Option<Instant>,
    ) -> Result<Vec<PairScore>, StudentError> {
        self.submit_pairs(pairs, deadline)?.wait()
    }

    /// Takes a query and its items in and returns at once, tokenised.
    ///
    /// # Errors
    /// As [`MicroBatcher::rank_until`]: what is known by now at once, the rest from the handle.
    pub fn submit<S: AsRef<str> + Sync>(
        &self,
        query: &str,
        items: &[S],
        deadline: Option<Instant>,
    ) -> Result<Pending<Vec<RankedItem>>, StudentError> {
        self.workers.queue().check_room(items.len())?;
        check_deadline(deadline, items.len())?;
        let rows = self.ranker.encode_items(query, items)?;
        let answer = self.workers.queue().push(rows, deadline)?;
        Ok(Pending::new(answer, best_first))
    }

    /// Takes pairs in and returns at once, tokenised.
    ///
    /// # Errors
    /// As [`MicroBatcher::submit`].
    pub fn submit_pairs(
        &self,
        pairs: &[(&str, &str)],
        deadline: Option<Instant>,
    ) -> Result<Pending<Vec<PairScore>>, StudentError> {
        self.workers.queue().check_room(pairs.len())?;
        check_deadline(deadline, pairs.len())?;
        let rows = self.ranker.encode(pairs)?;
        let answer = self.workers.queue().push(rows, deadline)?;
        Ok(Pending::new(answer, |scores| scores))
    }

    /// Answers all that was taken in, then ends.
    pub fn drain(mut self) {
        self.workers.drain();
    }
}

impl fmt::Debug for MicroBatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MicroBatcher")
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}
