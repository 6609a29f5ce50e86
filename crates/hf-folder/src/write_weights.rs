//! Writing weights, in one file or in shards.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use atomic_files::AtomicFile;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::file_names::{INDEX_FILE, WEIGHTS_FILE, shard_name};
use crate::shards::{ShardIndex, deal};
use crate::text_files::write_json;
use crate::{FolderError, TensorSource, WeightType};

/// Numbers that are encoded and written at a time.
const CHUNK: usize = 1 << 18;

/// How a model is written.
///
/// ```
/// # use hf_folder::{SaveOptions, WeightType};
/// let options = SaveOptions { weight_type: WeightType::Bf16, max_shard_size: Some(2 << 30) };
/// assert_ne!(options, SaveOptions::default());
/// let error = SaveOptions { max_shard_size: Some(0), ..options }.validate().unwrap_err();
/// assert_eq!(error.to_string(), "`max_shard_size` is 0, allowed: at least 1 byte");
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
    /// [`FolderError::InvalidConfig`] if `max_shard_size` is 0.
    pub fn validate(&self) -> Result<(), FolderError> {
        match self.max_shard_size {
            Some(0) => Err(FolderError::InvalidConfig {
                field: "max_shard_size",
                value: "0".to_owned(),
                allowed: "at least 1 byte".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// Writes tensors into a folder that exists.
pub(crate) fn write_weights<T: TensorSource>(
    tensors: &[T],
    options: &SaveOptions,
    dir: &Path,
) -> Result<(), FolderError> {
    options.validate()?;
    let weight_type = options.weight_type;
    let sizes = tensors.iter().map(|tensor| size(tensor, weight_type));
    let sizes: Vec<usize> = sizes.collect::<Result<_, _>>()?;
    let shards = deal(&sizes, options.max_shard_size.unwrap_or(usize::MAX));
    if shards.len() <= 1 {
        let all = tensors.iter().zip(sizes).collect();
        return write_file(all, weight_type, &dir.join(WEIGHTS_FILE));
    }
    let count = shards.len();
    let mut weight_map = BTreeMap::new();
    for (i, shard) in shards.into_iter().enumerate() {
        let file = shard_name(i, count);
        let names = shard.iter().map(|&at| tensors[at].name().to_owned());
        weight_map.extend(names.map(|name| (name, file.clone())));
        let shard = shard.into_iter().map(|at| (&tensors[at], sizes[at]));
        write_file(shard.collect(), weight_type, &dir.join(&file))?;
    }
    let total_size = sizes.iter().sum::<usize>();
    let metadata = json!({
        "total_parameters": total_size / weight_type.size(),
        "total_size": total_size,
    });
    let index = ShardIndex {
        metadata,
        weight_map,
    };
    write_json(&dir.join(INDEX_FILE), &index)
}

/// Bytes of a tensor in the file.
fn size<T: TensorSource>(tensor: &T, weight_type: WeightType) -> Result<usize, FolderError> {
    let mut sizes = tensor.shape().iter();
    let size = sizes.try_fold(weight_type.size(), |all, &one| all.checked_mul(one));
    size.ok_or_else(|| FolderError::Values {
        name: tensor.name().to_owned(),
        reason: format!("the shape {:?} is too large", tensor.shape()),
    })
}

/// Writes one file, byte for byte as the `safetensors` library does: the header, padded to a multiple
/// of eight bytes, then the tensors in the order of their names.
fn write_file<T: TensorSource>(
    mut tensors: Vec<(&T, usize)>,
    weight_type: WeightType,
    path: &Path,
) -> Result<(), FolderError> {
    tensors.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
    let mut end = 0;
    let infos = tensors.iter().map(|&(tensor, size)| {
        let start = end;
        end += size;
        let info = TensorInfo {
            dtype: weight_type.in_file(),
            shape: tensor.shape().to_vec(),
            data_offsets: (start, end),
        };
        (tensor.name().to_owned(), info)
    });
    let format = HashMap::from_iter([("format".to_owned(), "pt".to_owned())]);
    let metadata = Metadata::new(Some(format), infos.collect())
        .map_err(|error| FolderError::damaged(path, error))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|source| FolderError::Json {
        path: path.to_owned(),
        source,
    })?;
    header.resize(header.len().next_multiple_of(8), b' ');

    let io = || FolderError::io(path, "write");
    let mut file = AtomicFile::create(path)?;
    let length = header.len() as u64;
    file.write_all(&length.to_le_bytes()).map_err(io())?;
    file.write_all(&header).map_err(io())?;
    let mut bytes = Vec::with_capacity(CHUNK * weight_type.size());
    for (tensor, size) in tensors {
        for chunk in values(tensor, size / weight_type.size())?.chunks(CHUNK) {
            bytes.clear();
            weight_type
                .encode(chunk, &mut bytes)
                .map_err(|value| FolderError::OutOfRange {
                    name: tensor.name().to_owned(),
                    value,
                    weight_type: weight_type.torch_name(),
                    largest: weight_type.largest(),
                })?;
            file.write_all(&bytes).map_err(io())?;
        }
    }
    Ok(file.commit()?)
}

/// The numbers of a tensor, as many as its shape says.
fn values<T: TensorSource>(tensor: &T, count: usize) -> Result<Vec<f32>, FolderError> {
    let fault = |reason| FolderError::Values {
        name: tensor.name().to_owned(),
        reason,
    };
    let values = tensor.values().map_err(fault)?;
    if values.len() != count {
        let reason = format!(
            "{} numbers for the shape {:?}",
            values.len(),
            tensor.shape()
        );
        return Err(fault(reason));
    }
    Ok(values)
}
