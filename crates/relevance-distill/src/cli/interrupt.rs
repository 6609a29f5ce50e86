//! Ctrl-C: stop after the step in hand, so that a run can be resumed.

use relevance_distill::training_loop::Interrupt;

use super::exit::INTERRUPTED;

/// A handle by which Ctrl-C asks to stop. A second Ctrl-C ends the process at once; files are renamed
/// into place, so nothing breaks.
pub(super) fn on_ctrl_c() -> Interrupt {
    let interrupt = Interrupt::new();
    let asked = interrupt.clone();
    let handler = ctrlc::set_handler(move || {
        if asked.is_requested() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        asked.request();
        eprintln!("stopping after the step in hand; Ctrl-C again stops at once");
    });
    if let Err(error) = handler {
        eprintln!("warning: Ctrl-C will stop at once: {error}");
    }
    interrupt
}
