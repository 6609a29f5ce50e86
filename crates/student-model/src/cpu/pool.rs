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
