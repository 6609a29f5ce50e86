//! Why an item is more or less relevant: reasoning apart from its verdict, the replies that carry both, a writer
//! that needs no model, and how far reasons give their labels away.

mod annotation;
mod evidence;
mod label_words;
mod leakage;
mod naive_bayes;
mod rationale;
mod reply;
mod terms;
mod writer;

pub use annotation::{
    AnnotatedPair, Provenance, read_annotations, read_labeled_pairs, write_annotations,
    write_labeled_pairs,
};
pub use label_words::LabelWords;
pub use leakage::{ClassWords, LeakageReport, label_leakage};
pub use naive_bayes::{ClassPrior, NaiveBayes};
pub use rationale::Rationale;
pub use reply::{Reply, ReplyError, ReplyFormat, ReplyOrder};
pub use writer::RationaleWriter;
