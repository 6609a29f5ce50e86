//! What the recipes share: the choice of a device, the two-stage run, and its report page.
//!
//! The recipes themselves are the binaries `two-stage`, `evaluate` and `rerank`; read
//! [`two_stage::stages`] top to bottom to see how the crates compose.

pub mod device;
pub mod failure;
pub mod report;
pub mod two_stage;
