//! The threads that score batches.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use pair_tokenizer::Encoding;

use super::queue::{Batch, Part, Queue};
use crate::{PairScore, StudentError};

/// Scores rows, in their order.
pub(super) type Score = dyn Fn(&[Encoding]) -> Result<Vec<PairScore>, StudentError> + Send + Sync;

/// Threads that empty a queue until it is closed.
#[derive(Debug)]
pub(super) struct Workers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// # Errors
    /// [`StudentError::Worker`] if the operating system has no thread left; those that were started end.
    pub(super) fn start(
        count: usize,
        queue: Arc<Queue>,
        score: Arc<Score>,
    ) -> Result<Self, StudentError> {
        let mut workers = Self {
            queue,
            threads: Vec::with_capacity(count),
        };
        for _ in 0..count {
            let (queue, score) = (Arc::clone(&workers.queue), Arc::clone(&score));
            let thread = thread::Builder::new()
                .name("micro-batcher".to_owned())
                .spawn(move || {
                    while let Some(batch) = queue.next() {
                        run(batch, &*score);
                    }
                })
                .map_err(StudentError::Worker)?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    pub(super) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Waits until all that was taken in is answered.
    pub(super) fn drain(&mut self) {
        self.queue.close();
        self.join();
    }

    fn join(&mut self) {
        for worker in self.threads.drain(..) {
            // A waker may drop the batcher on a worker's own thread, which cannot wait for itself.
            if worker.thread().id() != thread::current().id() {
                let _ = worker.join();
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.abort();
        self.join();
    }
}

/// Answers every part of a batch. If the batch as a whole fails, each part is scored by itself, so that
/// one request's error or panic is not its neighbours'.
fn run(batch: Batch, score: &Score) {
    let Batch { rows, parts } = batch;
    let outcome = guarded(score, &rows);
    match (outcome, parts.as_slice()) {
        (Ok(scores), _) => {
            let mut scores = scores.into_iter();
            for part in parts {
                let count = part.indices.len();
                part.answer.fill(&part.indices, scores.by_ref().take(count));
            }
        }
        (Err(error), [only]) => only.fail(error),
        (Err(_), parts) => one_by_one(parts, &rows, score),
    }
}

fn one_by_one(parts: &[Part], mut rows: &[Encoding], score: &Score) {
    for part in parts {
        let (own, rest) = rows.split_at(part.indices.len());
        rows = rest;
        if part.answer.is_late() {
            part.answer.expire();
        }
        if !part.answer.is_open() {
            continue;
        }
        match guarded(score, own) {
            Ok(scores) => part.answer.fill(&part.indices, scores),
            Err(error) => part.fail(error),
        }
    }
}

impl Part {
    /// An error that names a row names it by its place in the request.
    fn fail(&self, error: StudentError) {
        self.answer.fail(match error {
            StudentError::NonFinite { index } => StudentError::NonFinite {
                index: self.indices[index],
            },
            other => other,
        });
    }
}

fn guarded(score: &Score, rows: &[Encoding]) -> Result<Vec<PairScore>, StudentError> {
    let outcome = catch_unwind(AssertUnwindSafe(|| score(rows)));
    outcome.unwrap_or_else(|panic| Err(StudentError::Panicked(message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}
