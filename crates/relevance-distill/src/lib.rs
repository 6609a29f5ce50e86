//! The front door: everything that turns a reasoning teacher into a small BERT for search relevance, as a
//! library; the program `relevance-distill` is a thin layer of options above it.
//!
//! | module | what it does | subcommand |
//! |---|---|---|
//! | [`pipeline`] | both stages, from real pairs to an evaluated student, stage by stage or all at once | `run` |
//! | [`prepare`] | raw judgments become clean parts that share no query | `prepare` |
//! | [`distill`] | a student from any annotations file | `distill` |
//! | [`ablation`] | CRSD against what it could be mistaken for | `ablation` |
//! | [`evaluation`] | a student's scores on labelled pairs | `evaluate` |
//! | [`report`] | a run as one page of HTML | |
//!
//! [`burn`] and the crates that do the work are re-exported, so that this one dependency is enough; its
//! features `flex`, `libtorch`, `wgpu` and `cuda` bring a backend to all of them. What a service embeds is
//! [`student_model`] alone.
//!
//! ```
//! use relevance_distill::relevance_data::{Item, LabelSchema, LabeledPair, Pair, Query};
//! use relevance_distill::query_rows::QueryRows;
//! use relevance_distill::relevance_eval::{EvaluationConfig, evaluate};
//!
//! let schema = LabelSchema::esci();
//! let pair = Pair { query: Query::new("1", "usb cable"), item: Item::new("B1", "USB-C cable, 2 m") };
//! let pairs = [LabeledPair { pair, label: schema.parse("Exact")? }];
//! let rows = QueryRows::new(&pairs, &schema);
//! let scores = [vec![0.7, 0.2, 0.05, 0.05]];
//! let figures = evaluate(&rows.predictions(&scores)?, &EvaluationConfig::default())?;
//! assert_eq!(figures.accuracy.value, 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod ablation;
mod check;
pub mod dev_set;
pub mod device;
pub mod distill;
pub mod error;
pub mod esci_folder;
pub mod evaluation;
pub mod job;
pub mod json_file;
pub mod pipeline;
pub mod prepare;
pub mod pretrained;
pub mod query_rows;
pub mod report;
pub mod student_examples;
mod whole_queries;

pub use error::DistillError;

pub use burn;
pub use causal_lm;
pub use crsd_loss;
pub use pair_tokenizer;
pub use preference_opt;
pub use relevance_data;
pub use relevance_eval;
pub use reward_model;
pub use student_model;
pub use teacher_train;
pub use training_loop;
