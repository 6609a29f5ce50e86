//! Buffers that outlive the call that needed them.

use std::sync::{Mutex, PoisonError};

/// Values that threads take and give back: a fresh page of memory costs more than the arithmetic on it.
#[derive(Debug, Default)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    /// Lends a value to `work`; its contents are what the last borrower left.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let taken = self.free().pop();
        let mut value = taken.unwrap_or_default();
        let result = work(&mut value);
        self.free().push(value);
        result
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<T>> {
        // A vector of spare values is whole whatever the thread that held the lock did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn values_come_back_and_borrowers_at_once_get_their_own() {
        let pool = Pool::<Vec<u8>>::default();
        pool.with(|first| {
            first.push(1);
            pool.with(|second| {
                assert!(second.is_empty());
                second.push(2);
            });
        });
        assert_eq!(pool.free().len(), 2);
        pool.with(|value| assert_eq!(value.len(), 1));
        assert_eq!(pool.free().len(), 2);
    }
}
