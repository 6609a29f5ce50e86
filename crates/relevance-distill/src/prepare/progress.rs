//! How far a step is.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts rows whose number is not known before.
pub(super) fn rows_bar(step: &'static str) -> ProgressBar {
    styled(
        ProgressBar::no_length(),
        "{msg}: {human_pos} rows [{elapsed}, {per_sec}]",
        step,
    )
}

/// A bar of a known number of parts or rows.
pub(super) fn known_bar(step: &'static str, length: usize) -> ProgressBar {
    let template = "{msg}: {bar:30} {human_pos}/{human_len} [{elapsed}<{eta}]";
    styled(ProgressBar::new(length as u64), template, step)
}

fn styled(bar: ProgressBar, template: &str, step: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(step)
}
