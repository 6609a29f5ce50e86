//! Requests that wait, and how a batch is gathered from them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pair_tokenizer::Encoding;

use super::answer::{Answer, recover};
use super::config::MicroBatcherConfig;
use crate::StudentError;

/// A full queue looks for requests that nobody waits for, but not more often: to refuse must be cheap.
const SWEEP_EVERY: Duration = Duration::from_millis(1);

/// Bounded; shared by the callers and the workers.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    config: MicroBatcherConfig,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Of all that wait.
    pairs: usize,
    tokens: usize,
    /// Nothing is taken in any more; what waits is still scored.
    closed: bool,
    swept: Option<Instant>,
}

/// A request, or what is left of it.
#[derive(Debug)]
struct Waiting {
    answer: Arc<Answer>,
    /// Each with its index in the request, longest first, so that a batch holds like lengths.
    rows: VecDeque<(usize, Encoding)>,
    /// When it is held back no longer.
    ripe: Instant,
}

/// What goes to the ranker at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<Encoding>,
    pub(super) parts: Vec<Part>,
}

/// The rows of a batch that belong to one request, which follow each other.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) answer: Arc<Answer>,
    /// Their indices in the request.
    pub(super) indices: Vec<usize>,
}

impl Queue {
    pub(super) fn new(config: MicroBatcherConfig) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            config,
        }
    }

    /// Refuses `pairs` pairs if there is no room for them now: before any work is put into them.
    pub(super) fn check_room(&self, pairs: usize) -> Result<(), StudentError> {
        self.with_room(pairs, |_| ())
    }

    /// Takes a request in; its answer will be settled, whatever happens. Without a deadline of its own it
    /// has the configured time.
    pub(super) fn push(
        &self,
        rows: Vec<Encoding>,
        deadline: Option<Instant>,
    ) -> Result<Arc<Answer>, StudentError> {
        let deadline = deadline.or_else(|| Instant::now().checked_add(self.config.timeout?));
        let answer = Arc::new(Answer::new(rows.len(), deadline));
        if rows.is_empty() {
            return Ok(answer);
        }
        let waiting = Waiting::new(Arc::clone(&answer), rows, &self.config);
        self.with_room(waiting.rows.len(), |state| {
            state.pairs += waiting.rows.len();
            state.tokens += waiting.tokens();
            state.waiting.push_back(waiting);
        })?;
        self.changed.notify_one();
        Ok(answer)
    }

    fn with_room(&self, pairs: usize, then: impl FnOnce(&mut State)) -> Result<(), StudentError> {
        let capacity = self.config.queue_pairs;
        let fits = |waiting: usize| waiting == 0 || waiting.saturating_add(pairs) <= capacity;
        let mut state = self.lock();
        let mut late = Vec::new();
        if !fits(state.pairs) && state.swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
            late = state.sweep();
        }
        let waiting = state.pairs;
        let result = if state.closed {
            Err(StudentError::ShutDown)
        } else if fits(waiting) {
            then(&mut state);
            Ok(())
        } else {
            Err(StudentError::QueueFull {
                waiting,
                pairs,
                capacity,
            })
        };
        drop(state);
        expire(late);
        result
    }

    /// Blocks until a batch is worth its while: the budget is full, a request has waited its time, or
    /// the queue is closed. `None` when it is closed and empty.
    pub(super) fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            let late = state.sweep();
            if !late.is_empty() {
                drop(state);
                expire(late);
                state = self.lock();
                continue;
            }
            let now = Instant::now();
            let full = state.tokens >= self.config.batch_tokens || state.closed;
            state = match state.waiting.iter().map(|request| request.ripe).min() {
                None if state.closed => return None,
                None => recover(self.changed.wait(state)),
                Some(ripe) if full || ripe <= now => {
                    let batch = state.gather(self.config.batch_tokens);
                    if !state.waiting.is_empty() {
                        self.changed.notify_one();
                    }
                    return Some(batch);
                }
                Some(ripe) => recover(self.changed.wait_timeout(state, ripe - now)).0,
            };
        }
    }

    /// Takes nothing in any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Takes nothing in any more, and what waits gets [`StudentError::ShutDown`].
    pub(super) fn abort(&self) {
        let mut state = self.lock();
        let State { waiting, .. } = std::mem::take(&mut *state);
        state.closed = true;
        drop(state);
        self.changed.notify_all();
        for request in waiting {
            request.answer.fail(StudentError::ShutDown);
        }
    }

    pub(super) fn waiting_pairs(&self) -> usize {
        self.lock().pairs
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        recover(self.state.lock())
    }
}

impl State {
    /// Removes what nobody waits for. Those whose deadline has passed are given back, to be told
    /// without the lock: their wakers are foreign code.
    fn sweep(&mut self) -> Vec<Arc<Answer>> {
        let mut late = Vec::new();
        self.waiting.retain(|request| {
            let in_time = !request.answer.is_late();
            if !in_time {
                late.push(Arc::clone(&request.answer));
            }
            let wanted = in_time && request.answer.is_open();
            if !wanted {
                self.pairs -= request.rows.len();
                self.tokens -= request.tokens();
            }
            wanted
        });
        self.swept = Some(Instant::now());
        late
    }

    /// Up to `budget` tokens and at least one row, first come, first served. A request that is cut
    /// goes to the end of the queue, so that a long one does not hold up the short ones behind it.
    fn gather(&mut self, budget: usize) -> Batch {
        let mut batch = Batch::default();
        let mut left = budget;
        while let Some(mut request) = self.waiting.pop_front() {
            let mut indices = Vec::new();
            while let Some((_, row)) = request.rows.front()
                && (row.len() <= left || batch.rows.is_empty())
                && let Some((index, row)) = request.rows.pop_front()
            {
                left = left.saturating_sub(row.len());
                self.pairs -= 1;
                self.tokens -= row.len();
                indices.push(index);
                batch.rows.push(row);
            }
            let served = !indices.is_empty();
            if served {
                let answer = Arc::clone(&request.answer);
                batch.parts.push(Part { answer, indices });
            }
            match (request.rows.is_empty(), served) {
                (true, _) => continue,
                (false, true) => self.waiting.push_back(request),
                (false, false) => self.waiting.push_front(request),
            }
            break;
        }
        batch
    }
}

impl Waiting {
    fn new(answer: Arc<Answer>, rows: Vec<Encoding>, config: &MicroBatcherConfig) -> Self {
        let mut rows: Vec<(usize, Encoding)> = rows.into_iter().enumerate().collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.len()));
        let now = Instant::now();
        // Held back for at most half of what its deadline leaves: the rest is for the model.
        let half = answer
            .deadline()
            .map(|d| d.saturating_duration_since(now) / 2);
        let wait = half.map_or(config.max_wait, |half| half.min(config.max_wait));
        Self {
            answer,
            rows: rows.into(),
            ripe: now + wait,
        }
    }

    fn tokens(&self) -> usize {
        self.rows.iter().map(|(_, row)| row.len()).sum()
    }
}

fn expire(late: Vec<Arc<Answer>>) {
    for answer in late {
        answer.expire();
    }
}
