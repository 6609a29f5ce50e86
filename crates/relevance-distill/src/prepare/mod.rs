//! From raw judgments to clean parts that share no query, with a report.
//!
//! [`source`] reads, [`parts`] deals, [`run`] goes through the steps and keeps what is done.

pub mod parts;
pub mod progress;
pub mod report;
pub mod run;
pub mod source;
