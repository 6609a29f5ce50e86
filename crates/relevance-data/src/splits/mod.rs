//! Parts of a data set that share no query.

mod leakage;
mod named;
mod query_split;
mod stratified;

pub use leakage::{SplitLeakage, split_leakage};
pub use named::split_by_name;
pub use query_split::{QuerySplit, check_disjoint};
pub use stratified::{extend_stratified_split, stratified_split};
