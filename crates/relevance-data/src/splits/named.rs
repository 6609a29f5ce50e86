//! Parts that the data name themselves.

use crate::{DataError, LabeledPair};
use std::collections::BTreeMap;

/// Deals pairs into parts by the name that a column gives them, such as ESCI's `split`. Names that
/// are not among `parts` are refused; a part that no row names is empty.
///
/// ```
/// use relevance_data::*;
/// let label = LabelSchema::binary().label(0)?;
/// let pair = |query: &str| LabeledPair { pair: Pair { query: Query::new("", query), item: Item::new("", "x") }, label };
/// let parts = split_by_name([("train", pair("a")), ("test", pair("b")), ("train", pair("c"))], &["train", "test"])?;
/// assert_eq!((parts["train"].len(), parts["test"].len()), (2, 1));
/// let error = split_by_name([("dev", pair("a"))], &["train", "test"]).unwrap_err();
/// assert_eq!(error.to_string(), "row 0: unknown split \"dev\"; allowed: train, test");
/// # Ok::<(), relevance_data::DataError>(())
/// ```
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
