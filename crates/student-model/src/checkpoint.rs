//! `model.safetensors` with Hugging Face's tensor names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::burn_pack::Tensor as StoredTensor;
use burn::store::{
    BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, ModuleStore,
    PyTorchToBurnAdapter, SafetensorsStore,
};
use burn::tensor::DType;

use crate::config::CONFIG_FILE;
use crate::error::{CheckpointMismatch, Misshapen};
use crate::folder::write_text;
use crate::{BertConfig, StudentError};

/// File name of a model's weights.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";

/// The prefix of the encoder's tensors in the checkpoints of task classes.
const PREFIX: &str = "bert.";

/// Tensors of other task classes, passed over when only the encoder is asked for.
const FOREIGN_HEADS: [&str; 3] = ["classifier.", "cls.", "qa_outputs."];

/// Indices that older `transformers` saved beside the weights.
const BUFFERS: [&str; 2] = ["embeddings.position_ids", "embeddings.token_type_ids"];

/// What stands on the encoder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pooler: bool,
    classes: Option<usize>,
}

impl Head {
    /// No classifier.
    pub(crate) fn none(pooler: bool) -> Self {
        Self {
            pooler,
            classes: None,
        }
    }

    /// A pooler and a classifier.
    pub(crate) fn classifier(classes: usize) -> Self {
        Self {
            pooler: true,
            classes: Some(classes),
        }
    }
}

/// A checkpoint whose names have been read and whose numbers have not.
pub(crate) struct CheckpointFile {
    path: PathBuf,
    /// By the name that `transformers` uses today, without the prefix.
    tensors: BTreeMap<String, Entry>,
    prefixed: bool,
}

struct Entry {
    name_in_file: String,
    tensor: StoredTensor,
}

impl CheckpointFile {
    /// Opens `model.safetensors` of a folder.
    pub(crate) fn open(dir: &Path) -> Result<Self, StudentError> {
        let path = dir.join(WEIGHTS_FILE);
        // The store reports a missing file as a malformed one.
        std::fs::File::open(&path).map_err(|e| StudentError::io(&path, e))?;
        let mut store = SafetensorsStore::from_file(&path);
        let stored = store
            .get_all_tensors()
            .map_err(|e| StudentError::checkpoint(&path, e))?;
        let prefixed = stored.keys().any(|name| name.starts_with(PREFIX));
        let mut tensors = BTreeMap::new();
        for (name, tensor) in stored {
            let canonical = canonical(name);
            if BUFFERS.contains(&canonical.as_str()) {
                continue;
            }
            let entry = Entry {
                name_in_file: name.clone(),
                tensor: tensor.clone(),
            };
            if let Some(other) = tensors.insert(canonical, entry) {
                let message = format!("{} and {name} are the same tensor", other.name_in_file);
                return Err(StudentError::checkpoint(&path, message));
            }
        }
        Ok(Self {
            path,
            tensors,
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
        if head.classes.is_none() {
            let foreign = |name: &str| FOREIGN_HEADS.iter().any(|h| name.starts_with(h));
            self.tensors.retain(|name, _| !foreign(name));
        }
        self.check(&expected(config, head))?;
        let tensors = self.tensors.into_iter().map(|(name, entry)| {
            let mut tensor = entry.tensor;
            tensor.name = module_path(&name, head);
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

    fn check(&self, expected: &BTreeMap<String, Vec<usize>>) -> Result<(), StudentError> {
        let mut mismatch = CheckpointMismatch {
            path: self.path.clone(),
            missing: Vec::new(),
            unexpected: Vec::new(),
            misshapen: Vec::new(),
        };
        for (name, shape) in expected {
            match self.tensors.get(name) {
                None => mismatch.missing.push((self.written(name), shape.clone())),
                Some(entry) if entry.tensor.shape[..] != shape[..] => {
                    mismatch.misshapen.push(Misshapen {
                        name: entry.name_in_file.clone(),
                        expected: shape.clone(),
                        found: entry.tensor.shape.to_vec(),
                    });
                }
                Some(entry) if !entry.tensor.dtype.is_float() => {
                    let (name, dtype) = (&entry.name_in_file, entry.tensor.dtype);
                    let message = format!("{name} holds {dtype:?}, allowed: F64, F32, F16, BF16");
                    return Err(StudentError::checkpoint(&self.path, message));
                }
                Some(_) => {}
            }
        }
        for (name, entry) in &self.tensors {
            if !expected.contains_key(name) {
                let shape = entry.tensor.shape.to_vec();
                mismatch
                    .unexpected
                    .push((entry.name_in_file.clone(), shape));
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

    /// The name that an absent tensor would have in this file.
    fn written(&self, name: &str) -> String {
        let prefix = if self.prefixed && !name.starts_with("classifier.") {
            PREFIX
        } else {
            ""
        };
        format!("{prefix}{name}")
    }
}

/// Writes `config.json` and `model.safetensors` into a folder that exists.
pub(crate) fn save<M: Module>(
    module: &M,
    config: &BertConfig,
    architecture: &str,
    dir: &Path,
) -> Result<(), StudentError> {
    let path = dir.join(CONFIG_FILE);
    let text = config
        .to_json(architecture)
        .map_err(|e| StudentError::json(&path, e))?;
    write_text(&path, &text)?;
    let path = dir.join(WEIGHTS_FILE);
    let mut store = SafetensorsStore::from_file(&path)
        .clear_metadata()
        .metadata("format", "pt")
        .overwrite(true)
        .with_to_adapter(BurnToPyTorchAdapter)
        .with_key_remapping(r"\.self_attention\.", ".self.")
        .with_key_remapping(r"\.layer_norm\.", ".LayerNorm.");
    module
        .save_into(&mut store)
        .map_err(|e| StudentError::checkpoint(&path, e))
}

/// Today's name without prefix: `bert.a.LayerNorm.gamma` → `a.LayerNorm.weight`.
fn canonical(name: &str) -> String {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    for (old, new) in [
        ("LayerNorm.gamma", "LayerNorm.weight"),
        ("LayerNorm.beta", "LayerNorm.bias"),
    ] {
        if let Some(stem) = name.strip_suffix(old) {
            return format!("{stem}{new}");
        }
    }
    name.to_owned()
}

/// Where a tensor lives in our modules.
fn module_path(name: &str, head: Head) -> String {
    let path = name
        .replace(".self.", ".self_attention.")
        .replace(".LayerNorm.", ".layer_norm.");
    if head.classes.is_some() && !path.starts_with("classifier.") {
        format!("{PREFIX}{path}")
    } else {
        path
    }
}

/// Names and shapes, in PyTorch's layout, of the tensors that a configuration asks for.
fn expected(config: &BertConfig, head: Head) -> BTreeMap<String, Vec<usize>> {
    let (h, inner) = (config.hidden_size, config.intermediate_size);
    let mut tensors = BTreeMap::new();
    let mut linear = |name: &str, outputs: usize, inputs: usize| {
        tensors.insert(format!("{name}.weight"), vec![outputs, inputs]);
        tensors.insert(format!("{name}.bias"), vec![outputs]);
    };
    for i in 0..config.num_hidden_layers {
        let layer = format!("encoder.layer.{i}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            linear(&format!("{layer}.attention.{part}"), h, h);
        }
        linear(&format!("{layer}.intermediate.dense"), inner, h);
        linear(&format!("{layer}.output.dense"), h, inner);
    }
    if head.pooler {
        linear("pooler.dense", h, h);
    }
    if let Some(classes) = head.classes {
        linear("classifier", classes, h);
    }
    let mut norm = |name: String| {
        tensors.insert(format!("{name}.LayerNorm.weight"), vec![h]);
        tensors.insert(format!("{name}.LayerNorm.bias"), vec![h]);
    };
    norm("embeddings".to_owned());
    for i in 0..config.num_hidden_layers {
        norm(format!("encoder.layer.{i}.attention.output"));
        norm(format!("encoder.layer.{i}.output"));
    }
    let tables = [
        ("word", config.vocab_size),
        ("position", config.max_position_embeddings),
        ("token_type", config.type_vocab_size),
    ];
    for (name, rows) in tables {
        tensors.insert(
            format!("embeddings.{name}_embeddings.weight"),
            vec![rows, h],
        );
    }
    tensors
}
