//! Ctrl-C: stop after the step in hand, so that a run can be resumed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::INTERRUPTED;

/// A flag that Ctrl-C raises. A second Ctrl-C ends the process at once; files are renamed into
/// place, so nothing breaks.
pub(super) fn on_ctrl_c() -> Arc<AtomicBool> {
    let interrupt = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupt);
    let handler = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!("stopping after the step in hand; Ctrl-C again stops at once");
    });
    if let Err(error) = handler {
        eprintln!("warning: Ctrl-C will stop at once: {error}");
    }
    interrupt
}
