//! TREC's qrels and run files, and trec_eval's measures of them.
//!
//! ```
//! use relevance_eval::{Qrels, Run, TrecMeasure, trec_eval};
//!
//! let qrels = Qrels::read(&b"q1 0 a 1\nq1 0 b 0\n"[..])?;
//! let run = Run::read(&b"q1 Q0 b 1 0.9 mine\nq1 Q0 a 2 0.7 mine\n"[..])?;
//! let scores = trec_eval(&qrels, &run, &[TrecMeasure::RecipRank, "P@1".parse()?])?;
//! assert_eq!(scores.mean(&TrecMeasure::RecipRank), Some(0.5));
//! # Ok::<(), relevance_eval::EvalError>(())
//! ```

mod evaluate;
mod file;
mod measure;
mod qrels;
mod run;
mod table;

pub use evaluate::{TrecConfig, TrecScores, trec_eval, trec_eval_with};
pub use measure::{Gain, TrecMeasure};
pub use qrels::Qrels;
pub use run::Run;
