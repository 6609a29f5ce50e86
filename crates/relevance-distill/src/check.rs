//! Checks that several configs share.

use crate::error::DistillError;

/// Refuses the first count that is 0.
pub(crate) fn at_least_1(
    counts: impl IntoIterator<Item = (&'static str, usize)>,
) -> Result<(), DistillError> {
    match counts.into_iter().find(|(_, count)| *count == 0) {
        None => Ok(()),
        Some((field, count)) => Err(DistillError::invalid(field, count, "at least 1")),
    }
}
