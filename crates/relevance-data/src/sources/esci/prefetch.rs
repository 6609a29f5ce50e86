//! Work done ahead on another thread.

use crate::DataError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// What an iterator gives, in its order, computed ahead on a thread of its own: the next pairs are decoded
/// and joined while the caller works on those before.
///
/// At most `capacity` results wait. Dropping it stops the thread after the item in hand and waits for
/// it. A panic of the iterator is the last item, as an error.
#[derive(Debug)]
pub(super) struct Prefetch<T> {
    results: Option<Receiver<Result<T, DataError>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts the thread; `capacity` 0 hands each result over directly.
    pub(super) fn new(capacity: usize, items: impl Iterator<Item = T> + Send + 'static) -> Self {
        let (sender, results) = sync_channel(capacity);
        let mut items = items;
        let thread = std::thread::spawn(move || {
            loop {
                // The iterator is not used again after a panic.
                let found = catch_unwind(AssertUnwindSafe(|| items.next()));
                let (result, last) = match found {
                    Ok(None) => return,
                    Ok(Some(item)) => (Ok(item), false),
                    Err(payload) => (Err(DataError::Worker(message(&*payload))), true),
                };
                // The other end is gone: nobody wants more.
                if sender.send(result).is_err() || last {
                    return;
                }
            }
        });
        Self {
            results: Some(results),
            thread: Some(thread),
        }
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = Result<T, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.results.as_ref()?.recv().ok()
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        // Closing the channel first: a sender that waits for room wakes up.
        self.results = None;
        if let Some(thread) = self.thread.take() {
            // Its panics were caught and sent.
            let _ = thread.join();
        }
    }
}

fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn items_come_in_order_and_end() {
        for capacity in [0, 1, 7] {
            let ahead = Prefetch::new(capacity, 0..100);
            let found: Vec<i32> = ahead.map(Result::unwrap).collect();
            assert!(found.into_iter().eq(0..100));
        }
    }

    #[test]
    fn no_more_is_computed_than_may_wait() {
        let computed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&computed);
        let mut ahead = Prefetch::new(
            2,
            (0..).inspect(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            }),
        );
        ahead.next().unwrap().unwrap();
        drop(ahead); // returns although the iterator has no end
        // One given out, two waiting, one in hand, and one more begun at the drop.
        assert!(computed.load(Ordering::SeqCst) <= 5);
    }

    #[test]
    fn a_panic_is_the_last_item() {
        let mut ahead = Prefetch::new(1, (0..5).inspect(|i| assert!(*i < 2, "two is too many")));
        assert_eq!(ahead.next().unwrap().unwrap(), 0);
        assert_eq!(ahead.next().unwrap().unwrap(), 1);
        let error = ahead.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("two is too many"), "{error}");
        assert!(ahead.next().is_none());
    }
}
