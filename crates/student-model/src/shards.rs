//! A folder's weights in one file or in several: `model.safetensors.index.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::store::burn_pack::Tensor as StoredTensor;
use burn::store::{ModuleStore, SafetensorsStore};
use serde::{Deserialize, Serialize};

use crate::StudentError;

/// File name of a model's weights.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";

/// File name of the list of shards.
pub(crate) const INDEX_FILE: &str = "model.safetensors.index.json";

/// A tensor, not read yet, and the file it stands in.
pub(crate) struct FileTensor {
    pub(crate) tensor: StoredTensor,
    /// The shard's name; none if there is one file only.
    shard: Option<String>,
}

impl FileTensor {
    /// For messages.
    pub(crate) fn place(&self) -> String {
        match &self.shard {
            Some(shard) => format!("{} of {shard}", self.tensor.name),
            None => self.tensor.name.clone(),
        }
    }
}

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
pub(crate) fn read_folder(dir: &Path) -> Result<(PathBuf, Vec<FileTensor>), StudentError> {
    let (whole, index) = (dir.join(WEIGHTS_FILE), dir.join(INDEX_FILE));
    if !whole.exists() && index.exists() {
        let tensors = read_shards(dir, &index)?;
        return Ok((index, tensors));
    }
    let tensors = read_file(&whole)?.into_values();
    let tensors = tensors.map(|tensor| FileTensor {
        tensor,
        shard: None,
    });
    let tensors = tensors.collect();
    Ok((whole, tensors))
}

fn read_shards(dir: &Path, path: &Path) -> Result<Vec<FileTensor>, StudentError> {
    let text = std::fs::read_to_string(path).map_err(|e| StudentError::io(path, e))?;
    let index: ShardIndex = serde_json::from_str(&text).map_err(|e| StudentError::json(path, e))?;
    let mut shards: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, shard) in &index.weight_map {
        shards.entry(shard).or_default().push(name);
    }
    let mut tensors = Vec::new();
    for (shard, listed) in shards {
        // A name, so that an index cannot point out of its folder.
        if Path::new(shard).file_name() != Some(shard.as_ref()) {
            let message = format!("weight_map names {shard:?}, allowed: a file of the same folder");
            return Err(StudentError::checkpoint(path, message));
        }
        if !dir.join(shard).exists() {
            return Err(StudentError::MissingShard {
                index: path.to_owned(),
                shard: shard.to_owned(),
                tensors: listed.len(),
            });
        }
        let found = read_file(&dir.join(shard))?;
        let absent = listed.iter().filter(|name| !found.contains_key(**name));
        let names: Vec<String> = absent.map(|name| (*name).to_owned()).collect();
        if !names.is_empty() {
            return Err(StudentError::ShardLacksTensors {
                index: path.to_owned(),
                shard: shard.to_owned(),
                names,
            });
        }
        tensors.extend(found.into_values().map(|tensor| FileTensor {
            tensor,
            shard: Some(shard.to_owned()),
        }));
    }
    Ok(tensors)
}

fn read_file(path: &Path) -> Result<BTreeMap<String, StoredTensor>, StudentError> {
    // The store reports a missing file as a malformed one.
    std::fs::File::open(path).map_err(|e| StudentError::io(path, e))?;
    let mut store = SafetensorsStore::from_file(path);
    let tensors = store.get_all_tensors();
    let tensors = tensors.map_err(|e| StudentError::checkpoint(path, e))?;
    Ok(tensors.clone())
}

/// The name of shard `i`, from 0, of `count`.
pub(crate) fn shard_name(i: usize, count: usize) -> String {
    format!("model-{:05}-of-{count:05}.safetensors", i + 1)
}

/// Whether [`shard_name`] gives such names.
pub(crate) fn is_shard_name(name: &str) -> bool {
    let numbers = name
        .strip_prefix("model-")
        .and_then(|name| name.strip_suffix(".safetensors"))
        .and_then(|numbers| numbers.split_once("-of-"));
    let number = |text: &str| text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(i, count)| number(i) && number(count))
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
    fn shard_names_are_recognised() {
        assert_eq!(shard_name(0, 3), "model-00001-of-00003.safetensors");
        assert!(is_shard_name(&shard_name(0, 3)));
        for other in [
            "model.safetensors",
            "model-1-of-2.safetensors",
            "model-00001.safetensors",
        ] {
            assert!(!is_shard_name(other), "{other}");
        }
    }
}
