//! The place where a request's scores come together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use crate::{PairScore, StudentError};

pub(super) type Outcome = Result<Vec<PairScore>, StudentError>;

/// Shared by the handle of a request, the queue and the workers that score its parts. It is settled
/// once: by the last part, by the first error or by the handle's end.
#[derive(Debug)]
pub(super) struct Answer {
    state: Mutex<State>,
    settled: Condvar,
    deadline: Option<Instant>,
}

#[derive(Debug)]
struct State {
    scores: Vec<Option<PairScore>>,
    missing: usize,
    stage: Stage,
    waker: Option<Waker>,
}

#[derive(Debug)]
enum Stage {
    Open,
    Settled(Outcome),
    /// The outcome was handed out, or nobody is left to hand it to.
    Closed,
}

impl Answer {
    /// Room for the scores of `pairs` pairs; with none it is settled already.
    pub(super) fn new(pairs: usize, deadline: Option<Instant>) -> Self {
        let stage = match pairs {
            0 => Stage::Settled(Ok(Vec::new())),
            _ => Stage::Open,
        };
        Self {
            state: Mutex::new(State {
                scores: vec![None; pairs],
                missing: pairs,
                stage,
                waker: None,
            }),
            settled: Condvar::new(),
            deadline,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|d| Instant::now() >= d)
    }

    /// Whether scores are still wanted.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.lock().stage, Stage::Open)
    }

    /// Takes the scores of the pairs at `indices`; the last ones settle it.
    pub(super) fn fill(&self, indices: &[usize], scores: impl IntoIterator<Item = PairScore>) {
        let mut state = self.lock();
        for (&index, score) in indices.iter().zip(scores) {
            let missing = state.scores[index].replace(score).is_none();
            state.missing -= usize::from(missing);
        }
        if state.missing == 0 {
            let scores = std::mem::take(&mut state.scores);
            self.settle(state, Ok(scores.into_iter().flatten().collect()));
        }
    }

    pub(super) fn fail(&self, error: StudentError) {
        self.settle(self.lock(), Err(error));
    }

    /// Settles with how far it came when the deadline passed.
    pub(super) fn expire(&self) {
        let state = self.lock();
        let error = state.too_late();
        self.settle(state, Err(error));
    }

    /// Nobody waits any more.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.stage = Stage::Closed;
        let waker = state.waker.take();
        drop(state);
        drop(waker); // Foreign code too: not under our lock.
    }

    /// Whether [`Answer::wait`] would return at once.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_open() || self.is_late()
    }

    /// Blocks until it is settled or its deadline has passed.
    ///
    /// # Panics
    /// If the outcome was handed out before, as [`Answer::poll`].
    pub(super) fn wait(&self) -> Outcome {
        let mut state = self.lock();
        loop {
            if let Some(outcome) = self.take(&mut state) {
                return outcome;
            }
            state = match self.deadline {
                None => recover(self.settled.wait(state)),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    recover(self.settled.wait_timeout(state, left)).0
                }
            };
        }
    }

    /// The outcome; or the waker is called when there is one.
    ///
    /// # Panics
    /// If the outcome was handed out before.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<Outcome> {
        let mut state = self.lock();
        if let Some(outcome) = self.take(&mut state) {
            return Poll::Ready(outcome);
        }
        let known = state.waker.as_ref().is_some_and(|w| w.will_wake(waker));
        let old = if known {
            None
        } else {
            state.waker.replace(waker.clone())
        };
        drop(state);
        drop(old);
        Poll::Pending
    }

    fn take(&self, state: &mut State) -> Option<Outcome> {
        match std::mem::replace(&mut state.stage, Stage::Closed) {
            Stage::Settled(outcome) => Some(outcome),
            Stage::Open if self.is_late() => Some(Err(state.too_late())),
            Stage::Open => {
                state.stage = Stage::Open;
                None
            }
            Stage::Closed => panic!("a `Pending` was polled after it was ready"),
        }
    }

    fn settle(&self, mut state: MutexGuard<'_, State>, outcome: Outcome) {
        if !matches!(state.stage, Stage::Open) {
            return;
        }
        state.stage = Stage::Settled(outcome);
        let waker = state.waker.take();
        drop(state);
        self.settled.notify_all();
        if let Some(waker) = waker {
            // A waker is foreign code: it must not take the worker with it.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        recover(self.state.lock())
    }
}

impl State {
    fn too_late(&self) -> StudentError {
        let total = self.scores.len();
        let done = total - self.missing;
        StudentError::DeadlineExceeded { done, total }
    }
}

/// Every change under these locks is whole, so what a panic left behind can be used.
pub(super) fn recover<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
