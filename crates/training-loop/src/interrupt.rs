//! Telling a run to stop, from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle that asks long work to stop after the step in hand. Clones are one handle: whoever holds
/// one (the handler of Ctrl-C, another thread, a service that shuts down) can ask, and a request
/// stays.
///
/// ```
/// use training_loop::Interrupt;
///
/// let interrupt = Interrupt::new();
/// let held_by_the_run = interrupt.clone();
/// std::thread::spawn(move || interrupt.request()).join().unwrap();
/// assert!(held_by_the_run.is_requested());
/// assert!(!Interrupt::new().is_requested());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A handle of its own, not requested.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the holders to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody has asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
