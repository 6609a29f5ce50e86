//! Which pairs of a batch are pushed away.

use serde::{Deserialize, Serialize};

/// Which other pairs of a batch are pushed away. What has the same key as a row is not its negative.
///
/// ```
/// use student_model::NegativePolicy;
/// assert_eq!(NegativePolicy::default(), NegativePolicy::ExceptDuplicates);
/// let policy: NegativePolicy = serde_json::from_str(r#""except_same_label""#)?;
/// assert_eq!(policy, NegativePolicy::ExceptSameLabel);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NegativePolicy {
    /// All others, a copy of the same pair included.
    All,
    /// All but copies: the same query text and item text.
    #[default]
    ExceptDuplicates,
    /// All but pairs with the same `query_key`.
    ExceptSameQuery,
    /// All but pairs with the same item text.
    ExceptSameItem,
    /// All but pairs with the same label.
    ExceptSameLabel,
}
