//! Typed search-relevance data, from raw judgments to what a model is trained on.
//!
//! Label schemas with gains; queries, items and pairs; rationales that never hold their verdict,
//! and the reply format that carries both; annotations, preference pairs and supervised examples
//! in JSON Lines files; the official ESCI parquet files; splits that share no query; a report of how
//! far reasons give their labels away. It knows texts and labels: token ids and tensors are
//! `pair-tokenizer`'s. A label is an index into its [`LabelSchema`]; files hold its name.
//!
//! ```
//! use relevance_data::{Item, LabelSchema, LabeledPair, Pair, Query, RationaleWriter};
//! let schema = LabelSchema::esci();
//! let item = Item { brand: "Acme".into(), ..Item::new("B1", "Acme Wireless Mouse, Black") };
//! let pair = Pair { query: Query::new("q1", "red acme mouse"), item };
//! let labeled = LabeledPair { pair, label: schema.parse("Substitute")? };
//! let reason = RationaleWriter::new(schema).write(&labeled);
//! assert!(reason.as_str().contains("\"acme\"") && !reason.as_str().contains("Substitute"));
//! # Ok::<(), relevance_data::DataError>(())
//! ```

mod annotation;
pub mod clean;
#[cfg(feature = "parquet")]
mod columns;
mod error;
#[cfg(feature = "parquet")]
pub mod esci;
mod evidence;
mod hash;
#[cfg(feature = "tables")]
mod item_store;
mod jsonl;
mod label_words;
pub mod leakage;
mod naive_bayes;
mod named_split;
mod normalize;
mod pair;
#[cfg(feature = "parquet")]
mod parquet_file;
mod preference;
mod rationale;
mod rationale_writer;
mod reply;
mod sampler;
mod schema;
mod sft;
#[cfg(feature = "tables")]
pub mod source;
mod split;
mod split_leakage;
mod stratified_split;
mod terms;
mod token_budget;
mod trl;

pub use annotation::{
    AnnotatedPair, Provenance, read_annotations, read_labeled_pairs, write_annotations,
    write_labeled_pairs,
};
pub use error::{DataError, Position, RowFault};
#[cfg(feature = "parquet")]
pub use esci::{EsciDataset, EsciFilter, EsciPairs};
pub use hash::sha256_file;
pub use jsonl::{JsonlReader, read_jsonl, write_jsonl};
pub use label_words::LabelWords;
pub use leakage::{LeakageReport, label_leakage};
pub use naive_bayes::{ClassPrior, NaiveBayes};
pub use named_split::split_by_name;
pub use normalize::normalize_query;
pub use pair::{Item, LabeledPair, Pair, Query};
pub use preference::PreferencePair;
pub use rationale::Rationale;
pub use rationale_writer::RationaleWriter;
pub use reply::{Reply, ReplyError, ReplyFormat, ReplyOrder};
pub use sampler::BatchSampler;
pub use schema::{Label, LabelClass, LabelSchema};
pub use sft::SftExample;
#[cfg(feature = "tables")]
pub use source::{ColumnMap, PairSource, RowPolicy, RowReport, SourceConfig, SourcePair};
pub use split::{QuerySplit, check_disjoint};
pub use split_leakage::{SplitLeakage, split_leakage};
pub use stratified_split::{extend_stratified_split, stratified_split};
pub use token_budget::TokenBudgetSampler;
pub use trl::{
    Conversation, KtoExample, Message, MessagesExample, TextExample, TrlColumn, TrlRecord, TrlText,
};
#[cfg(feature = "tables")]
pub use trl::{TrlSource, write_trl};

/// The examples in Rust of the guide to the data, run as tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/DATA.md")]
mod guide {}
