//! Weights in one file or in several: `model.safetensors.index.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::FolderError;
use crate::file_names::{INDEX_FILE, WEIGHTS_FILE};
use crate::folder_tensor::FolderTensor;
use crate::tensor_file::TensorFile;
use crate::text_files::read_json_of;

/// Most bytes of an index, which has a line for each tensor.
const INDEX_LIMIT: u64 = 64 << 20;

/// What `model.safetensors.index.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShardIndex {
    #[serde(default)]
    pub(crate) metadata: serde_json::Value,
    /// The shard of each tensor.
    pub(crate) weight_map: BTreeMap<String, String>,
}

/// The tensors of a folder and the file that messages name: `model.safetensors` if it is there, as
/// `transformers` prefers it, or the index.
pub(crate) fn read_folder(dir: &Path) -> Result<(PathBuf, Vec<FolderTensor>), FolderError> {
    let (whole, index) = (dir.join(WEIGHTS_FILE), dir.join(INDEX_FILE));
    if !whole.exists() && index.exists() {
        let tensors = read_shards(dir, &index)?;
        return Ok((index, tensors));
    }
    let tensors = read_file(&whole, None)?;
    Ok((whole, tensors))
}

fn read_shards(dir: &Path, path: &Path) -> Result<Vec<FolderTensor>, FolderError> {
    let index: ShardIndex = read_json_of(path, INDEX_LIMIT)?;
    let mut shards: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, shard) in &index.weight_map {
        shards.entry(shard).or_default().push(name);
    }
    // Before any is opened, so that an index cannot point out of its folder.
    if let Some(shard) = shards.keys().find(|shard| !is_plain_name(shard)) {
        return Err(FolderError::ForeignShard {
            index: path.to_owned(),
            shard: (*shard).to_owned(),
        });
    }
    let mut tensors = Vec::new();
    for (shard, listed) in shards {
        if !dir.join(shard).exists() {
            return Err(FolderError::MissingShard {
                index: path.to_owned(),
                shard: shard.to_owned(),
                tensors: listed.len(),
            });
        }
        let found = read_file(&dir.join(shard), Some(shard))?;
        let held: BTreeSet<&str> = found.iter().map(FolderTensor::name).collect();
        let absent = listed.iter().filter(|name| !held.contains(*name));
        let names: Vec<String> = absent.map(|name| (*name).to_owned()).collect();
        if !names.is_empty() {
            return Err(FolderError::ShardLacksTensors {
                index: path.to_owned(),
                shard: shard.to_owned(),
                names,
            });
        }
        tensors.extend(found);
    }
    Ok(tensors)
}

/// Whether a name is that of a file in the same folder: no path, neither relative nor absolute.
fn is_plain_name(name: &str) -> bool {
    // A backslash parts folders on Windows, and no shard has one anywhere.
    Path::new(name).file_name() == Some(name.as_ref()) && !name.contains(['\\', '\0'])
}

fn read_file(path: &Path, shard: Option<&str>) -> Result<Vec<FolderTensor>, FolderError> {
    let (file, tensors) = TensorFile::open(path)?;
    let tensors = tensors
        .into_iter()
        .map(|header| FolderTensor::new(header, &file, shard));
    Ok(tensors.collect())
}

/// Which tensors, by their positions, stand in each shard, as `huggingface_hub` deals them: in order,
/// a new shard where the next would go above `max_size` bytes, and one of its own for a tensor that is
/// larger than that.
pub(crate) fn deal(sizes: &[usize], max_size: usize) -> Vec<Vec<usize>> {
    let mut shards = Vec::new();
    let (mut current, mut filled) = (Vec::new(), 0);
    for (i, &size) in sizes.iter().enumerate() {
        if size > max_size {
            shards.push(vec![i]);
            continue;
        }
        if filled + size > max_size {
            shards.push(std::mem::take(&mut current));
            filled = 0;
        }
        current.push(i);
        filled += size;
    }
    if !current.is_empty() {
        shards.push(current);
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_dealt_in_order_and_large_ones_stand_alone() {
        // As `split_torch_state_dict_into_shards` deals them: a large one's shard is finished at once,
        // before the one that is being filled.
        let sizes = [4, 4, 4, 20, 2, 9];
        let expected = [vec![0, 1], vec![3], vec![5], vec![2, 4]];
        assert_eq!(deal(&sizes, 8), expected);
        assert_eq!(deal(&[4, 4], 8), [vec![0, 1]]);
        assert!(deal(&[], 8).is_empty());
    }

    #[test]
    fn names_that_point_elsewhere_are_refused() {
        for name in [
            "../x.safetensors",
            "/x.safetensors",
            "a/x.safetensors",
            "./x.safetensors",
            "x.safetensors/",
            "..\\x.safetensors",
            "..",
            ".",
            "",
            "x\0",
        ] {
            assert!(!is_plain_name(name), "{name:?}");
        }
        assert!(is_plain_name("model-00001-of-00002.safetensors"));
        assert!(is_plain_name("weights..safetensors"));
    }
}
