//! The micro-batcher before a real ranker: what callers get is what the ranker gives them alone.

mod student;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use student::{ITEMS, tiny};
use student_model::{
    MicroBatcher, MicroBatcherConfig, PairScore, Pending, RankedItem, Ranker, StudentError,
};

fn batcher(config: MicroBatcherConfig) -> MicroBatcher {
    MicroBatcher::new(Arc::new(Ranker::new(tiny())), config).unwrap()
}

/// The smallest runtime there is.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-5, "{found:?} {expected:?}");
    }
}

fn same_ranking(found: &[RankedItem], expected: &[RankedItem]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    let by_index = |items: &[RankedItem]| {
        let mut items = items.to_vec();
        items.sort_by_key(|item| item.index);
        items
    };
    for (found, expected) in by_index(found).iter().zip(&by_index(expected)) {
        assert_eq!(found.index, expected.index);
        near(&found.probabilities, &expected.probabilities);
        near(&[found.score], &[expected.score]);
    }
}

#[test]
fn handles_go_wherever_a_task_goes() {
    fn anywhere<T: Send + Sync + Unpin + 'static>() {}
    anywhere::<MicroBatcher>();
    anywhere::<Pending<Vec<RankedItem>>>();
    anywhere::<Pending<Vec<PairScore>>>();
}

#[test]
fn callers_get_what_the_ranker_gives_them_alone() {
    for (batch_tokens, workers) in [(24, 1), (100, 2), (100_000, 1)] {
        let config = MicroBatcherConfig::new().with_batch_tokens(batch_tokens);
        let batcher = batcher(config.with_workers(workers));
        let queries = ["red mouse", "usb cable", "keyboard for children", "black"];
        let expected = queries.map(|query| batcher.ranker().rank(query, &ITEMS).unwrap());
        thread::scope(|scope| {
            for caller in 0..8 {
                let (batcher, expected) = (&batcher, &expected);
                scope.spawn(move || {
                    for call in 0..6 {
                        let index = (caller + call) % queries.len();
                        let (query, expected) = (queries[index], &expected[index]);
                        let far = Some(Instant::now() + Duration::from_secs(600));
                        same_ranking(&batcher.rank(query, &ITEMS).unwrap(), expected);
                        let awaited = block_on(batcher.submit(query, &ITEMS, far).unwrap());
                        same_ranking(&awaited.unwrap(), expected);
                        let pairs = ITEMS.map(|item| (query, item));
                        let scores = batcher.score_pairs(&pairs, None).unwrap();
                        for item in expected {
                            near(&scores[item.index].probabilities, &item.probabilities);
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn inputs_are_refused_as_the_ranker_refuses_them() {
    let batcher = batcher(MicroBatcherConfig::default());
    let nothing: [&str; 0] = [];
    assert_eq!(batcher.rank("mouse", &nothing).unwrap(), []);
    assert_eq!(batcher.score_pairs(&[], None).unwrap(), []);
    assert!(matches!(
        batcher.rank(" ", &ITEMS),
        Err(StudentError::EmptyQuery)
    ));
    assert!(matches!(
        batcher.submit_pairs(&[("mouse", ""), ("", "mouse")], None),
        Err(StudentError::EmptyQuery)
    ));
    match batcher.rank_until("mouse", &ITEMS, Some(Instant::now())) {
        Err(StudentError::DeadlineExceeded { done, total }) => {
            assert_eq!((done, total), (0, ITEMS.len()));
        }
        other => panic!("{other:?}"),
    }
    let long = "mouse ".repeat(5000);
    let expected = batcher.ranker().rank(&long, &[&long, ""]).unwrap();
    same_ranking(&batcher.rank(&long, &[&long, ""]).unwrap(), &expected);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let ranker = Arc::new(Ranker::new(tiny()));
    let config = MicroBatcherConfig::new().with_batch_tokens(23);
    let error = MicroBatcher::new(ranker, config).unwrap_err().to_string();
    assert_eq!(
        error,
        "`batch_tokens` is 23, allowed: at least 24, the tokens of the longest pair"
    );
}

/// Many callers against a queue that is too small: each gets its answer or a typed refusal, and the
/// batcher answers afterwards.
#[test]
fn overload_is_shed() {
    let config = MicroBatcherConfig::new().with_batch_tokens(24);
    let batcher = batcher(config.with_queue_pairs(8));
    let expected = batcher.ranker().rank("red mouse", &ITEMS).unwrap();
    let [answered, shed] = thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut counts = [0, 0];
                    for _ in 0..10 {
                        match batcher.rank("red mouse", &ITEMS) {
                            Ok(ranked) => {
                                same_ranking(&ranked, &expected);
                                counts[0] += 1;
                            }
                            Err(StudentError::QueueFull { capacity: 8, .. }) => counts[1] += 1,
                            Err(other) => panic!("{other}"),
                        }
                    }
                    counts
                })
            })
            .collect();
        let counts = callers.into_iter().map(|caller| caller.join().unwrap());
        counts.fold([0, 0], |sum, count| [sum[0] + count[0], sum[1] + count[1]])
    });
    assert_eq!(answered + shed, 80);
    assert!(answered > 0 && shed > 0, "{answered} answered, {shed} shed");
    same_ranking(&batcher.rank("red mouse", &ITEMS).unwrap(), &expected);
}

#[test]
fn no_caller_hangs_when_the_batcher_ends() {
    let items = ITEMS.repeat(40);
    let small = MicroBatcherConfig::new().with_batch_tokens(24);
    let batcher = batcher(small.clone());
    let expected = batcher.ranker().rank("red mouse", &items).unwrap();
    let pending: Vec<_> = (0..3)
        .map(|_| batcher.submit("red mouse", &items, None).unwrap())
        .collect();
    let ranker = Arc::clone(batcher.ranker());
    batcher.drain();
    for pending in pending {
        assert!(pending.is_ready());
        same_ranking(&pending.wait().unwrap(), &expected);
    }
    let batcher = MicroBatcher::new(ranker, small).unwrap();
    let pending: Vec<_> = (0..20)
        .map(|_| batcher.submit("red mouse", &items, None))
        .collect();
    drop(batcher);
    let mut ended = 0;
    for pending in pending.into_iter().flatten() {
        match pending.wait() {
            Ok(ranked) => same_ranking(&ranked, &expected),
            Err(StudentError::ShutDown) => ended += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(ended > 0);
}
