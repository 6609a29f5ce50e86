//! From raw judgments to clean parts that share no query, with a report.
//!
//! A [`PrepareConfig`] says where judgments come from ([`Source`]), how they are cleaned and dealt
//! ([`Dealing`]); [`prepare`] goes through the steps and keeps what is done, so that it can be stopped.

mod config;
mod earlier;
mod parts;
mod progress;
mod report;
mod run;
mod source;
mod state;

pub use config::PrepareConfig;
pub use parts::Dealing;
pub use report::{PartSummary, PrepareReport};
pub use run::prepare;
pub use source::{NamedPairs, Source};
