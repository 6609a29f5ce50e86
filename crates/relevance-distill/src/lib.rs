//! What the recipes share: the choice of a device, the two-stage run, the preparation of data, the
//! ablation grid, and the pages that show them.
//!
//! The recipes themselves are the binaries `two-stage`, `prepare`, `evaluate`, `rerank`,
//! `distill-student` and `ablation`; read [`two_stage::stages`] top to bottom to see how the crates compose.

pub mod ablation;
pub mod dev_set;
pub mod device;
pub mod error;
pub mod failure;
pub mod interrupt;
pub mod objectives;
pub mod prepare;
pub mod pretrained;
pub mod query_rows;
pub mod report;
pub mod student_examples;
pub mod two_stage;
