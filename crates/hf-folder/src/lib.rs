//! Folders as Hugging Face's `transformers` writes them: `config.json`, `model.safetensors` or its
//! shards, and the tokenizer's files. They come from strangers, so nothing in them is believed: files
//! are regular and of bounded size, a header is checked against its file before memory is asked for,
//! the index of shards cannot point out of its folder, and every tensor is compared by name and shape
//! with what the configuration asks for before one number is read. Folders are written whole or not at
//! all. What the tensors mean is the models' business.
//!
//! ```
//! use hf_folder::{FolderWriter, NamedTensor, SaveOptions, Weights};
//! # let parent = tempfile::tempdir()?;
//! # let dir = parent.path().join("model");
//! let bias = NamedTensor { name: "bias".into(), shape: vec![2], values: vec![0.5, -1.0] };
//! let folder = FolderWriter::create(&dir, &[])?;
//! folder.write_json("config.json", &serde_json::json!({"hidden_size": 2}))?;
//! folder.write_weights(&[bias], &SaveOptions::default())?;
//! folder.commit()?;
//!
//! let weights = Weights::open(&dir, |name| Some(name.to_owned()))?;
//! weights.check([("bias".to_owned(), vec![2])], str::to_owned)?;
//! assert_eq!(weights.get("bias").unwrap().values()?, [0.5, -1.0]);
//! let error = weights.check([("bias".to_owned(), vec![3])], str::to_owned).unwrap_err();
//! assert!(error.to_string().ends_with("bias has shape [2], expected [3]"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | take |
//! |---|---|
//! | read a JSON file | [`read_json`] |
//! | find out which model a `config.json` describes | [`Architecture`] |
//! | read weights | [`Weights`] |
//! | know a tokenizer's special tokens | [`SpecialTokens`] |
//! | write a folder | [`FolderWriter`], [`SaveOptions`] |
//! | do it with burn modules (feature `burn`) | `load_module`, `module_tensors` |
//!
//! # Keys that nobody knows
//! A `config.json` of Hugging Face has many keys that change nothing for a model here, and each version
//! of `transformers` adds some. So, unlike in the configurations of our own, unknown keys are allowed
//! there; the models refuse those that they know to change a computation in a way that they do not
//! implement.

mod architecture;
#[cfg(feature = "burn")]
mod burn_module;
mod error;
mod file_names;
mod folder_tensor;
mod folder_writer;
mod mismatch;
mod shards;
mod special_tokens;
mod tensor_file;
mod tensor_source;
mod text_files;
mod weight_type;
mod weights;
mod write_weights;

pub use architecture::{Architecture, UnknownArchitecture};
#[cfg(feature = "burn")]
pub use burn_module::{ModuleTensor, load_module, module_tensors};
pub use error::FolderError;
pub use file_names::{
    CONFIG_FILE, INDEX_FILE, SPECIAL_TOKENS_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE,
    WEIGHTS_FILE, is_shard_name,
};
pub use folder_tensor::FolderTensor;
pub use folder_writer::FolderWriter;
pub use mismatch::{Misshapen, TensorMismatch};
pub use special_tokens::SpecialTokens;
pub use tensor_source::{NamedTensor, TensorSource};
pub use text_files::{read_json, read_tokenizer, write_text};
pub use weight_type::WeightType;
pub use weights::Weights;
pub use write_weights::SaveOptions;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
