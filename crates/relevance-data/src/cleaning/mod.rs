//! Cleaning: texts, duplicates, conflicting labels.
//!
//! [`clean_pairs`] does all of it in the order text, empty, duplicates, conflicts, near duplicates,
//! and counts what it did in a [`CleanReport`].

mod conflict;
mod near_duplicate;
mod pairs;
mod text;

pub use conflict::{Conflict, ConflictPolicy};
pub use near_duplicate::{NearDuplicateConfig, jaccard, near_duplicates};
pub use pairs::{CleanConfig, CleanReport, NearDuplicatePolicy, clean_pairs};
pub use text::{TextChanges, clean_text};
