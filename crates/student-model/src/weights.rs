//! Writing a model's weights, in one file or in shards.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use burn::module::Module;
use burn::store::burn_pack::Tensor as StoredTensor;
use burn::store::{BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot};
use burn::tensor::DType;
use safetensors::{Dtype, View};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::StudentError;
use crate::folder::write_text;
use crate::shards::{INDEX_FILE, ShardIndex, WEIGHTS_FILE, deal, shard_name};
use crate::tensor_names::TensorNames;

/// The number type of weights in a file. In memory they are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightType {
    /// IEEE single precision: what is in memory, to the last bit.
    #[default]
    F32,
    /// IEEE half precision: 11 significant bits, numbers up to 65,504.
    F16,
    /// bfloat16: 8 significant bits, the range of f32.
    Bf16,
}

impl WeightType {
    /// PyTorch's name, as `dtype` of a `config.json` has it.
    pub(crate) fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    fn in_file(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
        }
    }

    fn in_memory(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

/// How a model is written.
///
/// ```
/// # use student_model::{SaveOptions, WeightType};
/// let options = SaveOptions { weight_type: WeightType::Bf16, max_shard_size: Some(2 << 30) };
/// assert_ne!(options, SaveOptions::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaveOptions {
    /// The number type of the weights. Default: f32.
    pub weight_type: WeightType,
    /// Most bytes of tensors in one file: more are written as `model-00001-of-0000N.safetensors` and an
    /// index, dealt as `save_pretrained(max_shard_size=...)` deals them. A tensor that is larger alone
    /// has a file of its own. Default: none, one file.
    pub max_shard_size: Option<usize>,
}

impl SaveOptions {
    /// Checks the size.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] if `max_shard_size` is 0.
    pub fn validate(&self) -> Result<(), StudentError> {
        match self.max_shard_size {
            Some(0) => Err(StudentError::invalid(
                "max_shard_size",
                0,
                "at least 1 byte",
            )),
            _ => Ok(()),
        }
    }
}

/// Writes the weights of `module` into a folder that exists.
pub(crate) fn write_weights<M: Module>(
    module: &M,
    names: TensorNames,
    options: &SaveOptions,
    dir: &Path,
) -> Result<(), StudentError> {
    let weight_type = options.weight_type;
    let adapter = BurnToPyTorchAdapter.chain(FloatCastAdapter::to(weight_type.in_memory()));
    let tensors = module.collect(None, Some(Box::new(adapter)), false);
    let tensors: Vec<NamedTensor> = tensors
        .into_iter()
        .map(|tensor| NamedTensor {
            name: names.of_module_path(&tensor.name),
            shape: tensor.shape.to_vec(),
            dtype: weight_type.in_file(),
            tensor,
        })
        .collect();
    let sizes: Vec<usize> = tensors.iter().map(|t| t.tensor.byte_len()).collect();
    let shards = deal(&sizes, options.max_shard_size.unwrap_or(usize::MAX));
    if shards.len() <= 1 {
        return write_file(&tensors.iter().collect::<Vec<_>>(), &dir.join(WEIGHTS_FILE));
    }
    let count = shards.len();
    let mut weight_map = std::collections::BTreeMap::new();
    for (i, shard) in shards.into_iter().enumerate() {
        let file = shard_name(i, count);
        let shard: Vec<&NamedTensor> = shard.into_iter().map(|at| &tensors[at]).collect();
        write_file(&shard, &dir.join(&file))?;
        weight_map.extend(shard.iter().map(|t| (t.name.clone(), file.clone())));
    }
    let numbers = tensors.iter().map(|t| t.shape.iter().product::<usize>());
    let metadata = json!({
        "total_parameters": numbers.sum::<usize>(),
        "total_size": sizes.iter().sum::<usize>(),
    });
    write_index(
        &ShardIndex {
            metadata,
            weight_map,
        },
        &dir.join(INDEX_FILE),
    )
}

fn write_index(index: &ShardIndex, path: &Path) -> Result<(), StudentError> {
    let text = serde_json::to_string_pretty(index).map_err(|e| StudentError::json(path, e))?;
    write_text(path, &(text + "\n"))
}

/// A tensor under its name in the file, whose numbers are read from the device when they are written.
struct NamedTensor {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    tensor: StoredTensor,
}

/// A tensor on its way into a file; `safetensors` has no way to say that its numbers cannot be had, so
/// the reason is left in `fault`.
struct Outgoing<'a> {
    of: &'a NamedTensor,
    fault: &'a RefCell<Option<String>>,
}

impl View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        self.of.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.of.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.of.tensor.to_bytes() {
            Ok(bytes) => Cow::Owned(bytes.to_vec()),
            Err(error) => {
                self.fault
                    .replace(Some(format!("{}: {error}", self.of.name)));
                Cow::Owned(vec![0; self.data_len()])
            }
        }
    }

    fn data_len(&self) -> usize {
        self.of.tensor.byte_len()
    }
}

fn write_file(tensors: &[&NamedTensor], path: &Path) -> Result<(), StudentError> {
    let fault = RefCell::new(None);
    let outgoing = tensors.iter().map(|of| {
        let fault = &fault;
        (of.name.as_str(), Outgoing { of, fault })
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize_to_file(outgoing, Some(metadata), path)
        .map_err(|e| StudentError::checkpoint(path, e))?;
    match fault.into_inner() {
        Some(message) => Err(StudentError::checkpoint(path, message)),
        None => Ok(()),
    }
}
