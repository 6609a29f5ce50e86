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
//!
//! | to | take |
//! |---|---|
//! | name the classes and their gains | [`LabelSchema::esci`], [`LabelSchema::from_json_file`] |
//! | read judged pairs from a table (CSV, TSV, JSON Lines, parquet) | [`PairSource::open`] |
//! | read ESCI, WANDS | [`EsciDataset::open`], [`sources::wands`](sources::wands()) |
//! | read and write TRL's datasets | [`TrlSource`], [`write_trl`] |
//! | read and write records, one a line | [`JsonlReader`], [`write_jsonl`] |
//! | read and write labelled pairs, a teacher's annotations | [`read_labeled_pairs`], [`read_annotations`] |
//! | clean pairs: texts, duplicates, conflicting labels | [`cleaning::clean_pairs`] |
//! | split without a query in two parts | [`QuerySplit`], [`stratified_split`], [`split_by_name`] |
//! | make sure that parts share no query | [`check_disjoint`], [`split_leakage`] |
//! | take a teacher's reply apart | [`ReplyFormat::parse`] |
//! | write a reason without a teacher | [`RationaleWriter`] |
//! | take the label's words out of a reason | [`Rationale::without_label_words`] |
//! | measure how far reasons give labels away | [`label_leakage`] |
//! | classify texts by their words | [`NaiveBayes`] |

pub mod cleaning;
mod error;
mod rationales;
mod records;
pub mod sources;
mod splits;

pub use error::{DataError, Position, RowFault};
pub use rationales::{
    AnnotatedPair, ClassPrior, ClassWords, LabelWords, LeakageReport, NaiveBayes, Provenance,
    Rationale, RationaleWriter, Reply, ReplyError, ReplyFormat, ReplyOrder, label_leakage,
    read_annotations, read_labeled_pairs, write_annotations, write_labeled_pairs,
};
pub use records::{
    Conversation, Item, KtoExample, Label, LabelClass, LabelSchema, LabeledPair, Message,
    MessagesExample, Pair, PreferencePair, Query, SftExample, TextExample, normalize_query,
};
#[cfg(feature = "parquet")]
pub use sources::esci::{self, EsciDataset, EsciFilter, EsciPairs};
pub use sources::hash::sha256_file;
pub use sources::jsonl::{JsonlReader, read_jsonl, write_jsonl};
#[cfg(feature = "tables")]
pub use sources::{
    ColumnMap, PairSource, RowPolicy, RowReport, SourceConfig, SourcePair, TrlSource, write_trl,
};
pub use sources::{TrlColumn, TrlRecord, TrlText};
pub use splits::{
    QuerySplit, SplitLeakage, check_disjoint, extend_stratified_split, split_by_name,
    split_leakage, stratified_split,
};

/// The examples in Rust of the guide to the data, run as tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/DATA.md")]
mod guide {}

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
