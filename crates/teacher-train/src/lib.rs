//! Stage 1 of the distillation: domain-adaptive pre-training, supervised fine-tuning on chain of
//! thought, and annotation of query–item pairs with a label and a reason.
//!
//! ```
//! use relevance_data::{Item, LabelSchema, Pair, Query};
//! use teacher_train::PromptTemplate;
//! let template = PromptTemplate::compact(&LabelSchema::esci());
//! let pair = Pair { query: Query::new("1", "usb cable"), item: Item::new("B1", "USB-C cable, 2 m") };
//! let prompt = template.render(&pair, 40);
//! assert!(prompt.contains("Query: usb cable") && prompt.ends_with("Reply:\n"));
//! ```
//!
//! The steps, in order (METHOD, stage 1; arXiv 2510.11056): [`train_bpe_tokenizer`] for a teacher
//! that starts from nothing; [`pretrain`] on [`domain_documents`]; [`sft`] on prompts, reasoning
//! and labels; then a [`Teacher`] samples, classifies and [annotates](Teacher::annotate). Preference
//! optimisation, between the last two, is the crate `preference-opt`.
//!
//! Symbols in shapes: `b` batch, `t` tokens, `K` labels.

mod annotate;
mod classify;
mod documents;
mod error;
mod lm_task;
mod packing;
mod partial_file;
mod pretrain;
mod prompt;
mod sft;
mod teacher;
mod vocabulary;
mod vote;

pub use annotate::{AnnotateConfig, AnnotationFailure, AnnotationReport};
pub use documents::{Document, domain_documents};
pub use error::TeacherError;
pub use packing::pack;
pub use pretrain::{PretrainConfig, pretrain};
pub use prompt::PromptTemplate;
pub use sft::{SftConfig, sft, sft_examples};
pub use teacher::Teacher;
pub use vocabulary::train_bpe_tokenizer;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
