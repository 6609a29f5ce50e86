//! The batcher without a model: a closure scores, so that batches can be watched, held up and broken.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use pair_tokenizer::Encoding;
use proptest::prelude::*;

use super::queue::Queue;
use super::workers::Workers;
use super::{MicroBatcherConfig, Pending};
use crate::{PairScore, StudentError};

/// Long enough for anything that should happen, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A row of `length` tokens that is known by `mark`.
fn row(mark: u32, length: usize) -> Encoding {
    Encoding {
        ids: vec![mark; length],
        type_ids: vec![0; length],
    }
}

fn mark(row: &Encoding) -> u32 {
    row.ids[0]
}

fn marked(mark: u32) -> PairScore {
    PairScore {
        probabilities: vec![1.0],
        score: f64::from(mark) / 7.0,
        label: mark.to_string(),
    }
}

fn scores(rows: &[Encoding]) -> Vec<PairScore> {
    rows.iter().map(|row| marked(mark(row))).collect()
}

/// A door that scorers wait at.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    moved: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.moved.notify_all();
    }

    fn pass(&self) {
        let open = self.open.lock().unwrap();
        let passed = self.moved.wait_timeout_while(open, PATIENCE, |open| !*open);
        assert!(!passed.unwrap().1.timed_out(), "the gate stayed shut");
    }
}

/// Workers whose batches are recorded, as marks, when they begin.
struct Watched {
    workers: Workers,
    begun: mpsc::Receiver<Vec<u32>>,
}

type Scored = Result<Vec<PairScore>, StudentError>;

impl Watched {
    fn start(
        config: MicroBatcherConfig,
        score: impl Fn(&[Encoding]) -> Scored + Send + Sync + 'static,
    ) -> Self {
        let (begin, begun) = mpsc::channel();
        let count = config.workers;
        let queue = Arc::new(Queue::new(config));
        let score = move |rows: &[Encoding]| {
            let _ = begin.send(rows.iter().map(mark).collect());
            score(rows)
        };
        let workers = Workers::start(count, queue, Arc::new(score)).unwrap();
        Self { workers, begun }
    }

    /// Workers that stop at a gate; the one worker already stands there, with a row of its own.
    fn held(config: MicroBatcherConfig) -> (Self, Arc<Gate>, Pending<Vec<PairScore>>) {
        let gate = Arc::new(Gate::default());
        let at = Arc::clone(&gate);
        let watched = Self::start(config, move |rows| {
            at.pass();
            Ok(scores(rows))
        });
        let first = watched.submit(vec![row(u32::MAX, 1)], None).unwrap();
        assert_eq!(watched.batch(), [u32::MAX]);
        (watched, gate, first)
    }

    fn submit(
        &self,
        rows: Vec<Encoding>,
        deadline: Option<Instant>,
    ) -> Result<Pending<Vec<PairScore>>, StudentError> {
        let answer = self.workers.queue().push(rows, deadline)?;
        Ok(Pending::new(answer, |scores| scores))
    }

    /// The next batch that began.
    fn batch(&self) -> Vec<u32> {
        self.begun.recv_timeout(PATIENCE).expect("a batch begins")
    }

    /// What was begun until everything was answered.
    fn rest(mut self) -> Vec<Vec<u32>> {
        self.workers.drain();
        self.begun.try_iter().collect()
    }
}

fn config(batch_tokens: usize) -> MicroBatcherConfig {
    MicroBatcherConfig::new()
        .with_batch_tokens(batch_tokens)
        .with_max_wait(Duration::ZERO)
        .with_queue_pairs(1000)
}

fn later(milliseconds: u64) -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(milliseconds))
}

fn deadline_exceeded(outcome: Scored) -> (usize, usize) {
    match outcome {
        Err(StudentError::DeadlineExceeded { done, total }) => (done, total),
        other => panic!("{other:?}"),
    }
}

/// Counts how often it is called.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Bell {
    fn heard(&self) {
        let start = Instant::now();
        while self.0.load(Ordering::SeqCst) == 0 {
            assert!(start.elapsed() < PATIENCE, "nobody was woken");
            thread::yield_now();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_pair_is_scored_once_within_the_budget_and_comes_back_in_its_place(
        requests in prop::collection::vec(prop::collection::vec(1usize..12, 0..9), 1..24),
        batch_tokens in 1usize..40,
        max_wait_micros in 0u64..800,
        workers in 1usize..4,
        callers in 1usize..5,
    ) {
        let max_wait = Duration::from_micros(max_wait_micros);
        let config = config(batch_tokens).with_max_wait(max_wait).with_workers(workers);
        let most = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&most);
        let watched = Watched::start(config, move |rows| {
            if rows.len() > 1 {
                seen.fetch_max(rows.iter().map(Encoding::len).sum(), Ordering::SeqCst);
            }
            Ok(scores(rows))
        });
        let mut next = 0;
        let mut lengths = BTreeMap::new();
        let requests: Vec<Vec<Encoding>> = requests.iter().map(|request| {
            request.iter().map(|&length| {
                next += 1;
                lengths.insert(next, length);
                row(next, length)
            }).collect()
        }).collect();
        let queue = watched.workers.queue();
        thread::scope(|scope| {
            for caller in 0..callers {
                let own = requests.iter().skip(caller).step_by(callers);
                scope.spawn(move || {
                    // All at once, then waited for, so that a caller's own requests meet too.
                    let pending: Vec<_> = own.map(|rows| {
                        let answer = queue.push(rows.clone(), None).unwrap();
                        (Pending::new(answer, |scores| scores), rows)
                    }).collect();
                    for (pending, rows) in pending {
                        assert_eq!(pending.wait().unwrap(), scores(rows));
                    }
                });
            }
        });
        prop_assert_eq!(queue.waiting_pairs(), 0);
        let mut scored: Vec<u32> = watched.rest().concat();
        scored.sort_unstable();
        prop_assert_eq!(scored, (1..=next).collect::<Vec<_>>());
        prop_assert!(most.load(Ordering::SeqCst) <= batch_tokens);
    }
}

#[test]
fn requests_that_come_while_the_model_works_share_the_next_batch() {
    let (watched, gate, first) = Watched::held(config(100));
    let pending: Vec<_> = (0..5)
        .map(|i| watched.submit(vec![row(i, 4)], None).unwrap())
        .collect();
    assert_eq!(watched.workers.queue().waiting_pairs(), 5);
    gate.open();
    for (i, pending) in (0..).zip(pending) {
        assert_eq!(pending.wait().unwrap(), [marked(i)]);
    }
    first.wait().unwrap();
    assert_eq!(watched.rest(), [[0, 1, 2, 3, 4]]);
}

#[test]
fn a_long_request_takes_turns_with_short_ones() {
    let (watched, gate, _first) = Watched::held(config(10));
    let long = watched.submit((0..6).map(|i| row(i, 5)).collect(), None);
    let short = watched.submit(vec![row(10, 5)], None);
    gate.open();
    short.unwrap().wait().unwrap();
    let long = long.unwrap().wait().unwrap();
    assert_eq!(long, (0..6).map(marked).collect::<Vec<_>>());
    // First come, first served; then the short one is not behind all six.
    assert_eq!(
        watched.rest(),
        [vec![0, 1], vec![10, 2], vec![3, 4], vec![5]]
    );
}

#[test]
fn the_pairs_of_a_request_go_longest_first() {
    let (watched, gate, _first) = Watched::held(config(9));
    let lengths = [2, 8, 3, 9, 2];
    let rows = (0..).zip(lengths).map(|(i, length)| row(i, length));
    let pending = watched.submit(rows.collect(), None).unwrap();
    gate.open();
    assert_eq!(
        pending.wait().unwrap(),
        (0..5).map(marked).collect::<Vec<_>>()
    );
    assert_eq!(watched.rest(), [vec![3], vec![1], vec![2, 0, 4]]);
}

#[test]
fn an_idle_worker_waits_for_company_but_not_when_the_budget_is_full() {
    let hold = Duration::from_secs(1);
    let waiting = config(10).with_max_wait(hold);
    let watched = Watched::start(waiting, |rows| Ok(scores(rows)));
    let start = Instant::now();
    let one = watched.submit(vec![row(1, 4)], None).unwrap();
    thread::sleep(Duration::from_millis(20));
    let two = watched.submit(vec![row(2, 4)], None).unwrap();
    one.wait().unwrap();
    two.wait().unwrap();
    assert!(start.elapsed() >= hold, "{:?}", start.elapsed());
    assert_eq!(watched.batch(), [1, 2]);

    let start = Instant::now();
    let full = watched.submit(vec![row(3, 5), row(4, 5)], None).unwrap();
    full.wait().unwrap();
    assert!(start.elapsed() < hold, "{:?}", start.elapsed());
}

#[test]
fn a_deadline_shortens_the_wait_for_company() {
    let waiting = config(10).with_max_wait(Duration::from_secs(10));
    let watched = Watched::start(waiting, |rows| Ok(scores(rows)));
    let pending = watched.submit(vec![row(1, 4)], later(2000)).unwrap();
    assert_eq!(pending.wait().unwrap(), [marked(1)]);
}

#[test]
fn a_full_queue_sheds_and_takes_again_when_there_is_room() {
    let small = config(100).with_queue_pairs(3);
    let (watched, gate, _first) = Watched::held(small);
    let two = watched.submit(vec![row(1, 1), row(2, 1)], None).unwrap();
    match watched.submit(vec![row(3, 1), row(4, 1)], None) {
        Err(StudentError::QueueFull {
            waiting,
            pairs,
            capacity,
        }) => assert_eq!((waiting, pairs, capacity), (2, 2, 3)),
        other => panic!("{other:?}"),
    }
    assert!(watched.workers.queue().check_room(2).is_err());
    assert!(watched.workers.queue().check_room(1).is_ok());
    let one = watched.submit(vec![row(5, 1)], None).unwrap();
    assert!(matches!(
        watched.submit(vec![row(6, 1)], None),
        Err(StudentError::QueueFull { .. })
    ));
    // No pairs need no room.
    assert_eq!(
        watched.submit(Vec::new(), None).unwrap().wait().unwrap(),
        []
    );
    gate.open();
    assert_eq!(two.wait().unwrap(), [marked(1), marked(2)]);
    assert_eq!(one.wait().unwrap(), [marked(5)]);
    // More than may wait, but nothing else does.
    let large = watched.submit((10..20).map(|i| row(i, 1)).collect(), None);
    assert_eq!(large.unwrap().wait().unwrap().len(), 10);
    assert_eq!(watched.rest().concat().len(), 3 + 10);
}

#[test]
fn a_deadline_that_passes_in_the_queue_ends_the_wait_and_the_work() {
    let (watched, gate, _first) = Watched::held(config(100));
    let start = Instant::now();
    let late = watched
        .submit(vec![row(1, 1), row(2, 1)], later(30))
        .unwrap();
    let unhurried = watched.submit(vec![row(3, 1)], later(60_000)).unwrap();
    assert!(!late.is_ready());
    assert_eq!(deadline_exceeded(late.wait()), (0, 2));
    assert!(start.elapsed() >= Duration::from_millis(30));
    gate.open();
    assert_eq!(unhurried.wait().unwrap(), [marked(3)]);
    assert_eq!(watched.rest(), [[3]]);
}

#[test]
fn the_configured_time_is_for_requests_that_bring_none() {
    let hurried = config(100).with_timeout(Some(Duration::from_millis(30)));
    let (watched, gate, first) = Watched::held(hurried);
    let start = Instant::now();
    let own = watched.submit(vec![row(1, 1)], later(60_000)).unwrap();
    let late = watched.submit(vec![row(2, 1)], None).unwrap();
    assert_eq!(deadline_exceeded(late.wait()), (0, 1));
    assert_eq!(deadline_exceeded(first.wait()), (0, 1));
    assert!(start.elapsed() >= Duration::from_millis(30));
    gate.open();
    assert_eq!(own.wait().unwrap(), [marked(1)]);
    assert_eq!(watched.rest(), [[1]]);
}

#[test]
fn a_deadline_in_the_middle_says_how_far_it_came() {
    let gate = Arc::new(Gate::default());
    let at = Arc::clone(&gate);
    // One pair a batch; the second stops.
    let watched = Watched::start(config(1), move |rows| {
        if mark(&rows[0]) == 1 {
            at.pass();
        }
        Ok(scores(rows))
    });
    let rows = (0..4).map(|i| row(i, 1)).collect();
    let pending = watched.submit(rows, later(1500)).unwrap();
    assert_eq!((watched.batch(), watched.batch()), (vec![0], vec![1]));
    assert_eq!(deadline_exceeded(pending.wait()), (1, 4));
    gate.open();
    assert!(watched.rest().is_empty(), "pairs 2 and 3 are not wanted");
}

#[test]
fn a_task_that_awaits_is_told_of_its_deadline() {
    let (watched, gate, _first) = Watched::held(config(100));
    let mut late = pin!(watched.submit(vec![row(1, 1)], later(30)).unwrap());
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    assert!(late.as_mut().poll(&mut context).is_pending());
    thread::sleep(Duration::from_millis(40));
    gate.open();
    bell.heard();
    match late.as_mut().poll(&mut context) {
        Poll::Ready(outcome) => assert_eq!(deadline_exceeded(outcome), (0, 1)),
        Poll::Pending => panic!("it was woken for nothing"),
    }
    assert!(watched.rest().is_empty());
}

#[test]
fn a_dropped_handle_is_not_computed_and_gives_its_room_back() {
    let small = config(100).with_queue_pairs(2);
    let (watched, gate, first) = Watched::held(small);
    drop(watched.submit(vec![row(1, 1), row(2, 1)], None).unwrap());
    thread::sleep(Duration::from_millis(5));
    let kept = watched.submit(vec![row(3, 1)], None).unwrap();
    drop(first); // A worker is at it; nobody will look.
    gate.open();
    assert_eq!(kept.wait().unwrap(), [marked(3)]);
    assert_eq!(watched.rest(), [[3]]);
}

#[test]
fn a_panic_or_an_error_is_that_of_its_own_request() {
    let gate = Arc::new(Gate::default());
    let at = Arc::clone(&gate);
    let watched = Watched::start(config(100), move |rows| {
        at.pass();
        assert!(rows.iter().all(|row| mark(row) != 13), "mark {}", 13);
        match rows.iter().position(|row| mark(row) == 7) {
            Some(index) => Err(StudentError::NonFinite { index }),
            None => Ok(scores(rows)),
        }
    });
    let first = watched.submit(vec![row(0, 1)], None).unwrap();
    watched.batch();
    let [one, panics, fails, two] =
        [vec![1], vec![2, 13], vec![3, 4, 7], vec![5, 6]].map(|marks| {
            let rows = marks.iter().map(|&m| row(m, 1 + m as usize)).collect();
            watched.submit(rows, None).unwrap()
        });
    gate.open();
    assert_eq!(first.wait().unwrap(), [marked(0)]);
    assert_eq!(one.wait().unwrap(), [marked(1)]);
    match panics.wait() {
        Err(StudentError::Panicked(message)) => assert_eq!(message, "mark 13"),
        other => panic!("{other:?}"),
    }
    // The index in the request, though the longest row went first.
    assert!(matches!(
        fails.wait(),
        Err(StudentError::NonFinite { index: 2 })
    ));
    assert_eq!(two.wait().unwrap(), [marked(5), marked(6)]);
    let after = watched.submit(vec![row(8, 1)], None).unwrap();
    assert_eq!(after.wait().unwrap(), [marked(8)]);
}

#[test]
fn dropping_ends_what_waits_and_draining_answers_it() {
    for drain in [false, true] {
        let (watched, gate, first) = Watched::held(config(100));
        let waiting = watched.submit(vec![row(1, 1)], None).unwrap();
        let Watched { mut workers, begun } = watched;
        let queue = Arc::clone(workers.queue());
        let end = thread::spawn(move || {
            if drain {
                workers.drain();
            }
            drop(workers);
        });
        let start = Instant::now();
        while queue.check_room(1).is_ok() {
            assert!(start.elapsed() < PATIENCE, "it still takes requests in");
            thread::yield_now();
        }
        assert!(matches!(
            queue.push(vec![row(2, 1)], None),
            Err(StudentError::ShutDown)
        ));
        gate.open();
        end.join().unwrap();
        assert_eq!(first.wait().unwrap(), [marked(u32::MAX)]);
        match (drain, waiting.wait()) {
            (true, Ok(scores)) => assert_eq!(scores, [marked(1)]),
            (false, Err(StudentError::ShutDown)) => assert!(begun.try_recv().is_err()),
            (_, other) => panic!("drain {drain}: {other:?}"),
        }
    }
}

#[test]
fn a_handle_can_be_awaited_and_wakes_the_last_waker() {
    let (watched, gate, _first) = Watched::held(config(100));
    let mut pending = pin!(watched.submit(vec![row(1, 1)], None).unwrap());
    let bells: [Arc<Bell>; 2] = std::array::from_fn(|_| Arc::default());
    for bell in &bells {
        let waker = Waker::from(Arc::clone(bell));
        let polled = pending.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    gate.open();
    bells[1].heard();
    assert_eq!(bells[0].0.load(Ordering::SeqCst), 0);
    let mut context = Context::from_waker(Waker::noop());
    match pending.as_mut().poll(&mut context) {
        Poll::Ready(outcome) => assert_eq!(outcome.unwrap(), [marked(1)]),
        Poll::Pending => panic!("it was woken for nothing"),
    }
}

#[test]
fn a_handle_that_was_ready_says_so_when_it_is_polled_again() {
    let watched = Watched::start(config(100), |rows| Ok(scores(rows)));
    let mut pending = pin!(watched.submit(Vec::new(), None).unwrap());
    let mut context = Context::from_waker(Waker::noop());
    assert!(pending.is_ready());
    assert!(pending.as_mut().poll(&mut context).is_ready());
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pending.as_mut().poll(&mut context).is_ready()
    }));
    assert!(again.is_err());
}

/// Whatever a waker does happens on a worker's thread.
struct Prank<F: Fn() + Send + Sync>(F);

impl<F: Fn() + Send + Sync> Wake for Prank<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

#[test]
fn a_waker_may_panic_or_drop_the_batcher() {
    let (watched, gate, _first) = Watched::held(config(100));
    let mut pending = pin!(watched.submit(vec![row(1, 1)], None).unwrap());
    let waker = Waker::from(Arc::new(Prank(|| panic!("a waker of the test panics"))));
    let polled = pending.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    gate.open();
    let after = watched.submit(vec![row(2, 1)], None).unwrap();
    assert_eq!(after.wait().unwrap(), [marked(2)]);

    let (watched, gate, _first) = Watched::held(config(100));
    let mut pending = pin!(watched.submit(vec![row(1, 1)], None).unwrap());
    let (dropped, told) = mpsc::channel();
    let workers = Mutex::new(Some(watched.workers));
    let waker = Waker::from(Arc::new(Prank(move || {
        drop(workers.lock().unwrap().take());
        dropped.send(()).unwrap();
    })));
    let polled = pending.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    gate.open();
    told.recv_timeout(PATIENCE)
        .expect("a worker does not wait for itself");
}
