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
use crate::threads::Threads;
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
///   begun by then are not computed. Nor are those of a request whose handle is dropped. A request that
///   brings no deadline has the configured [`timeout`](MicroBatcherConfig::timeout), if there is one.
/// - What a request gets does not depend on its company: results are those of [`Ranker`] (within 1e-5),
///   and if a batch fails its requests are tried one by one. A panic in the model is
///   [`StudentError::Panicked`] to the request that caused it; the batcher goes on.
/// - Dropped, the batcher finishes the batches that are being computed, and what still waits gets
///   [`StudentError::ShutDown`]; [`MicroBatcher::drain`] answers all of it first. Both block until then.
/// - The model runs on rayon threads of the batcher's own (or the ranker's, [`Ranker::with_threads`]), as
///   many as the pool in which it was made has. So callers may block in rayon's threads, as in
///   `queries.par_iter().map(|query| batcher.rank(query, items))`: were the model to run there, all of them
///   could wait for work that none is left to do.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/tiny_student.rs"));
/// # fn main() -> Result<(), student_model::StudentError> {
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use student_model::{MicroBatcher, MicroBatcherConfig, Ranker};
///
/// # let student = tiny_student();
/// let ranker = Arc::new(Ranker::new(student));
/// let config = MicroBatcherConfig::new().with_timeout(Some(Duration::from_secs(60)));
/// let batcher = MicroBatcher::new(Arc::clone(&ranker), config)?;
/// // From any thread:
/// let items = ["usb cable", "wireless mouse, red"];
/// let ranked = batcher.rank("red mouse", &items)?;
/// assert_eq!(ranked.len(), 2);
/// # #[cfg(feature = "flex")]
/// assert_eq!(ranked, ranker.rank("red mouse", &items)?);
/// // At once, to be waited for later or awaited by a task of any runtime:
/// let deadline = Some(Instant::now() + Duration::from_secs(60));
/// let pending = batcher.submit("usb cable", &["usb cable"], deadline)?;
/// assert_eq!(pending.wait()?[0].index, 0);
/// # Ok(())
/// # }
/// ```
pub struct MicroBatcher {
    ranker: Arc<Ranker>,
    workers: Workers,
}

impl MicroBatcher {
    /// Starts the workers, and the threads that the model runs on.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] as [`MicroBatcherConfig::validate`];
    /// [`StudentError::Worker`] if a thread cannot be started.
    pub fn new(ranker: Arc<Ranker>, config: MicroBatcherConfig) -> Result<Self, StudentError> {
        config.validate(ranker.student().tokenizer().config().max_length)?;
        let count = config.workers;
        let threads = if ranker.threads().are_own() {
            Threads::default()
        } else {
            Threads::like_the_callers()?
        };
        let score = {
            let ranker = Arc::clone(&ranker);
            move |rows: &[Encoding]| threads.run(|| ranker.score(rows, None))
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
