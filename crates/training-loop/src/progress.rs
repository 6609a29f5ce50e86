//! The bar on stderr.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::log::LogEntry;
use crate::options::Progress;

/// A bar for `max_steps` steps of which `done` are behind us. indicatif draws nothing if stderr is
/// not a terminal.
pub(crate) fn bar(progress: Progress, name: &str, done: usize, max_steps: usize) -> ProgressBar {
    let target = match progress {
        Progress::Bar => ProgressDrawTarget::stderr(),
        Progress::Hidden => ProgressDrawTarget::hidden(),
    };
    let style =
        ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} [{elapsed}<{eta}] {wide_msg}")
            .expect("the template is a constant: a bug in training-loop");
    let bar = ProgressBar::with_draw_target(Some(max_steps as u64), target)
        .with_style(style)
        .with_prefix(name.to_owned())
        .with_position(done as u64);
    bar.reset_eta();
    bar
}

/// The figures beside the bar.
pub(crate) fn message(entry: &LogEntry) -> String {
    format!(
        "loss {:.4}  lr {:.2e}  |g| {:.3}",
        entry.loss, entry.learning_rate, entry.grad_norm
    )
}
