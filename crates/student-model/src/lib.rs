//! The student of the two-stage framework, a BERT, RoBERTa or XLM-RoBERTa: a cross-encoder that reads a
//! query and an item and gives a distribution over relevance classes. It loads and saves Hugging Face
//! folders ([`BertModel`], [`BertForSequenceClassification`]; [`ModelType`] says how the three differ), is
//! trained by cross entropy or CRSD (feature `train`), and ranks: [`Ranker`] is what a service embeds.
//! Without `train` it has no autodiff, no optimiser and no network. Positions are absolute; weights are
//! f32 in memory.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use pair_tokenizer::TokenBatch;
//! use student_model::BertConfig;
//!
//! let config = BertConfig { vocab_size: 50, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,
//!     intermediate_size: 32, ..BertConfig::default() }.with_labels(&["Exact", "Substitute", "Irrelevant"]);
//! let device = Device::default();
//! let model = config.init(/* seed */ 7, &device)?;
//! let batch = TokenBatch { input_ids: Tensor::from_ints([[2, 9, 3, 11, 3]], &device),
//!     token_type_ids: Tensor::from_ints([[0, 0, 0, 1, 1]], &device), attention_mask: None };
//! assert_eq!(model.forward(&batch).logits.dims(), [1, 3]);
//! # Ok::<(), student_model::StudentError>(())
//! ```
//!
//! Symbols in shapes: `b` pairs in a batch, `t` tokens, `h` hidden size, `d = h / heads`, `K` classes.
//!
//! | to | take |
//! |---|---|
//! | rank items in a service | [`Ranker::from_dir`], [`Ranker::rank`] |
//! | rank for many callers at once | [`MicroBatcher`] |
//! | classify many pairs | [`predict`] |
//! | start from an encoder such as all-MiniLM-L6-v2 | [`BertForSequenceClassification::from_pretrained_encoder`] |
//! | start from some of a deeper encoder's layers | [`BertForSequenceClassification::with_layers`] |
//! | start from nothing | `BertConfig::init_from_texts` (feature `train`) |
//! | train | `train_student` (feature `train`) |
//! | train by an objective or an align loss of one's own | `Objective`, `Crsd`, `StudentTrainer` (feature `train`) |
//! | save what a ranker needs | [`Student::new`], [`Student::save_dir`] |
//! | save in shards or in half precision | [`Student::save_dir_with`], [`SaveOptions`] |

mod attention;
mod bert;
mod checkpoint;
mod classifier;
mod config;
mod config_json;
#[cfg(feature = "flex")]
mod cpu;
mod embeddings;
mod error;
#[cfg(all(feature = "train", feature = "flex"))]
mod fused;
mod inference;
mod init;
mod layer;
mod layer_choice;
mod micro_batcher;
mod model_type;
mod predict;
mod ranker;
mod relevance;
mod student;
mod tensor_names;
mod threads;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod wordpiece;

pub use attention::{BertAttention, BertOutputProjection, BertSelfAttention};
pub use bert::{BertModel, BertOutput, BertPooler};
pub use classifier::{BertForSequenceClassification, ClassifierOutput};
pub use config::{BertConfig, HiddenAct};
pub use embeddings::BertEmbeddings;
pub use error::StudentError;
pub use hf_folder::{FolderError, Misshapen, SaveOptions, TensorMismatch, WeightType};
pub use layer::{BertEncoder, BertIntermediate, BertLayer};
pub use layer_choice::LayerFault;
pub use micro_batcher::{MicroBatcher, MicroBatcherConfig, Pending};
pub use model_type::ModelType;
pub use ndarray;
pub use predict::predict;
pub use ranker::{PairScore, RankedItem, Ranker};
pub use relevance::RelevanceConfig;
pub use student::Student;
#[cfg(feature = "train")]
pub use train::{
    CrossEntropy, Crsd, Evaluator, LogitKd, LogitKdConfig, NegativePolicy, NoHeads, Objective,
    ObjectiveConfig, ObjectiveContext, PassOutput, Passes, RDrop, RDropConfig, StudentBatch,
    StudentExample, StudentLabels, StudentModule, StudentReason, StudentTask, StudentTrainConfig,
    StudentTrainer, View, ViewBatch, train_student,
};
#[cfg(feature = "train")]
pub use wordpiece::train_wordpiece;

/// The examples of the README are tested.
#[cfg(all(doctest, feature = "flex"))]
#[doc = include_str!("../README.md")]
mod readme {}
