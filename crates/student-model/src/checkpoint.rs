//! A folder's tensors under today's names, and how they fill a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter};
use burn::tensor::DType;

use crate::config::CONFIG_FILE;
use crate::error::{CheckpointMismatch, Misshapen};
use crate::folder::write_text;
use crate::shards::{FileTensor, read_folder};
use crate::tensor_names::{Head, TensorNames, canonical};
use crate::weights::{SaveOptions, write_weights};
use crate::{BertConfig, ModelType, StudentError};

/// A checkpoint whose names have been read and whose numbers have not.
pub(crate) struct Checkpoint {
    path: PathBuf,
    /// By the name that `transformers` uses today, without the prefix.
    tensors: BTreeMap<String, FileTensor>,
    model_type: ModelType,
    prefixed: bool,
}

impl Checkpoint {
    /// Opens the weights of a folder.
    pub(crate) fn open(dir: &Path, model_type: ModelType) -> Result<Self, StudentError> {
        let (path, stored) = read_folder(dir)?;
        let prefix = model_type.prefix();
        let prefixed = stored.iter().any(|t| t.tensor.name.starts_with(prefix));
        let mut tensors: BTreeMap<String, FileTensor> = BTreeMap::new();
        for tensor in stored {
            let Some(name) = canonical(&tensor.tensor.name, model_type) else {
                continue;
            };
            if let Some(other) = tensors.get(&name) {
                return Err(StudentError::DuplicateTensor {
                    path,
                    first: other.place(),
                    second: tensor.place(),
                });
            }
            tensors.insert(name, tensor);
        }
        Ok(Self {
            path,
            tensors,
            model_type,
            prefixed,
        })
    }

    /// Whether the encoder was saved with its pooler, or a part of it.
    pub(crate) fn has_pooler(&self) -> bool {
        self.tensors.keys().any(|name| name.starts_with("pooler."))
    }

    /// Fills `module`, the encoder or the classifier, after checking that every tensor is there, is
    /// asked for and has its shape.
    pub(crate) fn load<M: Module>(
        mut self,
        module: &mut M,
        config: &BertConfig,
        head: Head,
    ) -> Result<(), StudentError> {
        let names = TensorNames {
            model_type: self.model_type,
            head,
        };
        self.tensors.retain(|name, _| !names.passes_over(name));
        self.check(names, &names.expected(config))?;
        let tensors = self.tensors.into_iter().map(|(name, stored)| {
            let mut tensor = stored.tensor;
            tensor.name = names.module_path(&name);
            tensor
        });
        let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32));
        let result = module.apply(tensors.collect(), None, Some(Box::new(adapter)), false);
        let clean = result.errors.is_empty() && result.missing.is_empty();
        if clean && result.unused.is_empty() {
            return Ok(());
        }
        Err(StudentError::checkpoint(&self.path, result))
    }

    fn check(
        &self,
        names: TensorNames,
        expected: &BTreeMap<String, Vec<usize>>,
    ) -> Result<(), StudentError> {
        let mut mismatch = CheckpointMismatch {
            path: self.path.clone(),
            missing: Vec::new(),
            unexpected: Vec::new(),
            misshapen: Vec::new(),
        };
        for (name, shape) in expected {
            match self.tensors.get(name) {
                None => {
                    let name = names.in_file(name, self.prefixed);
                    mismatch.missing.push((name, shape.clone()));
                }
                Some(entry) if entry.tensor.shape[..] != shape[..] => {
                    mismatch.misshapen.push(Misshapen {
                        name: entry.tensor.name.clone(),
                        expected: shape.clone(),
                        found: entry.tensor.shape.to_vec(),
                    });
                }
                Some(entry) if !entry.tensor.dtype.is_float() => {
                    let (name, dtype) = (&entry.tensor.name, entry.tensor.dtype);
                    let message = format!("{name} holds {dtype:?}, allowed: F64, F32, F16, BF16");
                    return Err(StudentError::checkpoint(&self.path, message));
                }
                Some(_) => {}
            }
        }
        for (name, entry) in &self.tensors {
            if !expected.contains_key(name) {
                let shape = entry.tensor.shape.to_vec();
                mismatch.unexpected.push((entry.tensor.name.clone(), shape));
            }
        }
        let counts = [
            mismatch.missing.len(),
            mismatch.unexpected.len(),
            mismatch.misshapen.len(),
        ];
        if counts == [0; 3] {
            return Ok(());
        }
        Err(StudentError::CheckpointMismatch(Box::new(mismatch)))
    }
}

/// Writes `config.json` and the weights into a folder that exists.
pub(crate) fn save<M: Module>(
    module: &M,
    config: &BertConfig,
    head: Head,
    options: &SaveOptions,
    dir: &Path,
) -> Result<(), StudentError> {
    options.validate()?;
    let task = match head {
        Head::Classifier => "ForSequenceClassification",
        Head::None | Head::Pooler => "Model",
    };
    let path = dir.join(CONFIG_FILE);
    let text = config
        .to_json(task, options.weight_type.torch_name())
        .map_err(|e| StudentError::json(&path, e))?;
    write_text(&path, &text)?;
    let names = TensorNames {
        model_type: config.model_type,
        head,
    };
    write_weights(module, names, options, dir)
}
