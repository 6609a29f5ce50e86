//! Two sides that must be equally long.

use crate::EvalError;

pub(crate) fn same_length(
    what: &'static str,
    found: usize,
    reference: &'static str,
    expected: usize,
) -> Result<(), EvalError> {
    if found == expected {
        return Ok(());
    }
    Err(EvalError::LengthMismatch {
        what,
        found,
        reference,
        expected,
    })
}
