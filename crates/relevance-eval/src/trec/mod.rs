//! TREC's qrels and run files, and trec_eval's measures of them.

mod evaluate;
mod lines;
mod measure;
mod qrels;
mod run;
mod table;

pub use evaluate::{TrecConfig, TrecScores, trec_eval};
pub use measure::{Gain, TrecMeasure};
pub use qrels::Qrels;
pub use run::Run;
