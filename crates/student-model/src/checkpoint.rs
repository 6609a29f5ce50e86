//! A folder's tensors under today's names, and how they fill a model.

use std::path::Path;

use burn::module::Module;
use hf_folder::{CONFIG_FILE, FolderWriter, SaveOptions, Weights, load_module, module_tensors};

use crate::relevance::RELEVANCE_FILE;
use crate::tensor_names::{Head, TensorNames, canonical};
use crate::{BertConfig, StudentError};

/// A checkpoint whose names have been read and whose numbers have not.
pub(crate) struct Checkpoint<'a> {
    /// By the name that `transformers` uses today, without the prefix.
    weights: Weights,
    config: &'a BertConfig,
    dir: &'a Path,
}

/// A checkpoint that has all that a model of its configuration needs, and nothing else.
pub(crate) struct CheckedCheckpoint {
    weights: Weights,
    names: TensorNames,
}

impl<'a> Checkpoint<'a> {
    /// Opens the weights of a folder.
    pub(crate) fn open(dir: &'a Path, config: &'a BertConfig) -> Result<Self, StudentError> {
        let weights = Weights::open(dir, |name| canonical(name, config.model_type))?;
        Ok(Self {
            weights,
            config,
            dir,
        })
    }

    /// Whether the encoder was saved with its pooler, or a part of it.
    pub(crate) fn has_pooler(&self) -> bool {
        self.weights
            .iter()
            .any(|(name, _)| name.starts_with("pooler."))
    }

    /// Checks that every tensor is there, is asked for and has its shape, before a model is made: what
    /// a configuration promises is memory.
    pub(crate) fn check(mut self, head: Head) -> Result<CheckedCheckpoint, StudentError> {
        let config = self.config;
        let names = TensorNames {
            model_type: config.model_type,
            head,
        };
        let layers = config.num_hidden_layers;
        // The list of the names that it promises is memory too.
        if layers > self.weights.len() {
            let (tensors, file) = (self.weights.len(), self.weights.path());
            let allowed = format!("at most {tensors}, the tensors of {}", file.display());
            let error = StudentError::invalid("num_hidden_layers", layers, allowed);
            return Err(error.in_file(&self.dir.join(CONFIG_FILE)));
        }
        let prefix = config.model_type.prefix();
        let mut tensors = self.weights.iter();
        let prefixed = tensors.any(|(_, tensor)| tensor.name().starts_with(prefix));
        drop(tensors);
        self.weights.retain(|name| !names.passes_over(name));
        self.weights
            .check(names.expected(config), |name| names.in_file(name, prefixed))?;
        Ok(CheckedCheckpoint {
            weights: self.weights,
            names,
        })
    }
}

impl CheckedCheckpoint {
    /// Fills the encoder or the classifier.
    pub(crate) fn fill<M: Module>(self, module: &mut M) -> Result<(), StudentError> {
        let names = self.names;
        Ok(load_module(module, self.weights, |name| {
            names.module_path(name)
        })?)
    }
}

/// Begins a folder that may replace a student's.
pub(crate) fn new_folder(dir: &Path) -> Result<FolderWriter, StudentError> {
    Ok(FolderWriter::create(dir, &[RELEVANCE_FILE])?)
}

/// Writes `config.json` and the weights.
pub(crate) fn save<M: Module>(
    module: &M,
    config: &BertConfig,
    head: Head,
    options: &SaveOptions,
    folder: &FolderWriter,
) -> Result<(), StudentError> {
    let task = match head {
        Head::Classifier => "ForSequenceClassification",
        Head::None | Head::Pooler => "Model",
    };
    let names = TensorNames {
        model_type: config.model_type,
        head,
    };
    let tensors = module_tensors(module, |path| names.of_module_path(path));
    folder.write_weights(&tensors, options)?;
    let keys = config.to_json(task, options.weight_type.torch_name());
    Ok(folder.write_json(CONFIG_FILE, &keys)?)
}
