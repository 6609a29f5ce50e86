//! The handle of a request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::answer::{Answer, Outcome};
use crate::{PairScore, StudentError};

/// A request that a [`MicroBatcher`](crate::MicroBatcher) has taken.
///
/// Wait for it ([`Pending::wait`]), look at it ([`Pending::is_ready`]) or await it: it is a [`Future`]
/// that needs no runtime of any kind. Dropped, the request is cancelled: pairs that no worker has begun
/// are never computed.
///
/// A blocked `wait` returns when the request's deadline passes. A task that awaits is woken by the
/// worker, which looks at deadlines between batches: put a runtime's own timeout around it if the end
/// must be on the dot.
#[must_use = "a request is cancelled when its handle is dropped"]
pub struct Pending<T> {
    answer: Arc<Answer>,
    finish: fn(Vec<PairScore>) -> T,
}

impl<T> Pending<T> {
    pub(super) fn new(answer: Arc<Answer>, finish: fn(Vec<PairScore>) -> T) -> Self {
        Self { answer, finish }
    }

    /// Blocks this thread until there is an answer or the request's deadline has passed.
    ///
    /// # Errors
    /// As [`MicroBatcher::rank_until`](crate::MicroBatcher::rank_until).
    pub fn wait(self) -> Result<T, StudentError> {
        self.finished(self.answer.wait())
    }

    /// Whether [`Pending::wait`] would return at once.
    pub fn is_ready(&self) -> bool {
        self.answer.is_ready()
    }

    fn finished(&self, outcome: Outcome) -> Result<T, StudentError> {
        outcome.map(self.finish)
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, StudentError>;

    /// # Panics
    /// If it was ready before.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer
            .poll(context.waker())
            .map(|outcome| self.finished(outcome))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.answer.abandon();
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}
