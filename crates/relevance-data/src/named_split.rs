//! Parts that the data name themselves.

use crate::{DataError, LabeledPair};
use std::collections::BTreeMap;

/// Deals pairs into parts by the name that a column gives them, such as ESCI's `split`. Names that
/// are not among `parts` are refused; a part that no row names is empty.
///
/// # Errors
/// [`DataError::UnknownSplit`] with the row, counted from 0, and the names that are allowed.
pub fn split_by_name<S: AsRef<str>>(
    rows: impl IntoIterator<Item = (S, LabeledPair)>,
    parts: &[&str],
) -> Result<BTreeMap<String, Vec<LabeledPair>>, DataError> {
    let named = parts.iter().map(|part| ((*part).to_owned(), Vec::new()));
    let mut dealt: BTreeMap<String, Vec<LabeledPair>> = named.collect();
    for (row, (name, pair)) in rows.into_iter().enumerate() {
        let name = name.as_ref();
        match dealt.get_mut(name) {
            Some(part) => part.push(pair),
            None => {
                return Err(DataError::UnknownSplit {
                    row,
                    value: name.to_owned(),
                    allowed: parts.iter().map(|part| (*part).to_owned()).collect(),
                });
            }
        }
    }
    Ok(dealt)
}
