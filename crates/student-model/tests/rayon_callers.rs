//! Callers in rayon's threads: nobody waits for work that no thread is left to do. Each test would hang if
//! somebody did, so each has a bound.
#![cfg(feature = "flex")]

mod student;

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rayon::prelude::*;
use student::{ITEMS, tiny};
use student_model::{MicroBatcher, MicroBatcherConfig, RankedItem, Ranker};

const PATIENCE: Duration = Duration::from_secs(60);

const QUERIES: [&str; 4] = ["red mouse", "usb cable", "keyboard for children", "black"];

/// More rows than one thread takes by itself.
fn items() -> Vec<&'static str> {
    ITEMS.repeat(6)
}

/// More calls than there are threads.
fn queries() -> Vec<&'static str> {
    QUERIES.repeat(4 * rayon::current_num_threads())
}

/// All of a test happens within: where the pool of another one hangs, this one ends too.
fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, told) = channel();
    thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    let result = told.recv_timeout(PATIENCE);
    result.expect("it ends in a minute: else it failed above, or threads wait for each other");
}

/// What each query gets outside of any pool.
fn expected(ranker: &Ranker, queries: &[&str]) -> Vec<Vec<RankedItem>> {
    let one = |query: &&str| ranker.rank(query, &items()).unwrap();
    queries.iter().map(one).collect()
}

#[test]
fn every_thread_of_the_global_pool_may_wait_for_a_micro_batcher() {
    in_time(|| {
        for workers in [1, 2] {
            let ranker = Arc::new(Ranker::new(tiny()));
            let expected = expected(&ranker, &queries());
            let config = MicroBatcherConfig::new().with_workers(workers);
            let batcher = MicroBatcher::new(ranker, config).unwrap();
            let ranked = queries().into_par_iter();
            let ranked = ranked.map(|query| batcher.rank(query, &items()).unwrap());
            assert_eq!(ranked.collect::<Vec<_>>(), expected);
        }
    });
}

#[test]
fn a_micro_batcher_may_be_made_and_asked_in_a_pool_of_one_thread() {
    in_time(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
        let found: Vec<_> = pool.build().unwrap().install(|| {
            let ranker = Arc::new(Ranker::new(tiny()));
            let batcher = MicroBatcher::new(ranker, MicroBatcherConfig::new()).unwrap();
            let ranked = QUERIES.par_iter();
            let ranked = ranked.map(|query| batcher.rank(query, &items()).unwrap());
            ranked.collect()
        });
        assert_eq!(found, expected(&Ranker::new(tiny()), &QUERIES));
    });
}

#[test]
fn a_ranker_shares_the_pool_of_its_callers() {
    in_time(|| {
        let ranker = Ranker::new(tiny());
        let queries = queries();
        let expected = expected(&ranker, &queries);
        let all = || -> Vec<_> {
            let ranked = queries.par_iter();
            let ranked = ranked.map(|query| ranker.rank(query, &items()).unwrap());
            ranked.collect()
        };
        assert_eq!(all(), expected);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let found = pool.build().unwrap().install(all);
            assert_eq!(found, expected, "{threads} threads");
        }
    });
}

/// A service of one's own before a ranker: callers hand their queries to one thread and block.
#[test]
fn a_ranker_with_threads_of_its_own_works_while_all_of_rayons_block() {
    type Request = (&'static str, Sender<Vec<RankedItem>>);
    in_time(|| {
        let ranker = Ranker::new(tiny());
        let expected = expected(&ranker, &queries());
        let ranker = ranker.with_threads(2).unwrap();
        let (ask, asked) = channel::<Request>();
        let service = thread::spawn(move || {
            for (query, answer) in asked {
                answer.send(ranker.rank(query, &items()).unwrap()).unwrap();
            }
        });
        let ask = Mutex::new(ask);
        let ranked = queries().into_par_iter().map(|query| {
            let (answer, answered) = channel();
            ask.lock().unwrap().send((query, answer)).unwrap();
            answered.recv().unwrap()
        });
        assert_eq!(ranked.collect::<Vec<_>>(), expected);
        drop(ask);
        service.join().unwrap();
    });
}

#[test]
fn no_threads_are_too_few() {
    let error = Ranker::new(tiny()).with_threads(0).unwrap_err().to_string();
    assert!(error.ends_with("is 0, allowed: at least 1"), "{error}");
}
