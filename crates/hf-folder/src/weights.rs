//! The tensors of a folder: names and shapes at once, numbers when they are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::FolderError;
use crate::folder_tensor::FolderTensor;
use crate::mismatch::{Misshapen, TensorMismatch};
use crate::shards::read_folder;

/// The weights of a folder, under the names by which a model knows them.
///
/// ```
/// use hf_folder::{FolderWriter, NamedTensor, SaveOptions, Weights};
/// # let parent = tempfile::tempdir()?;
/// # let dir = parent.path().join("model");
/// # let folder = FolderWriter::create(&dir, &[])?;
/// # let gamma = NamedTensor { name: "bert.norm.gamma".into(), shape: vec![1], values: vec![2.0] };
/// # folder.write_weights(&[gamma], &SaveOptions::default())?;
/// # folder.commit()?;
/// // An old file says `bert.norm.gamma`, the model `norm.weight`.
/// let today = |name: &str| Some(name.strip_prefix("bert.")?.replace("gamma", "weight"));
/// let weights = Weights::open(&dir, today)?;
/// assert_eq!(weights.get("norm.weight").unwrap().name(), "bert.norm.gamma");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Weights {
    path: PathBuf,
    tensors: BTreeMap<String, FolderTensor>,
}

impl Weights {
    /// Reads the headers of a folder's weights: `model.safetensors`, or the shards that
    /// `model.safetensors.index.json` lists. `rename` turns the name in the file into the model's, or
    /// leaves the tensor out.
    ///
    /// # Errors
    /// [`FolderError::File`], [`FolderError::Json`] or [`FolderError::Damaged`] name a file that cannot
    /// be read; [`FolderError::ForeignShard`], [`FolderError::MissingShard`] and
    /// [`FolderError::ShardLacksTensors`] say what is wrong with an index,
    /// [`FolderError::DuplicateTensor`] which tensors got the same name.
    pub fn open(
        dir: impl AsRef<Path>,
        rename: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, FolderError> {
        let (path, stored) = read_folder(dir.as_ref())?;
        let mut tensors: BTreeMap<String, FolderTensor> = BTreeMap::new();
        for tensor in stored {
            let Some(name) = rename(tensor.name()) else {
                continue;
            };
            if let Some(other) = tensors.get(&name) {
                return Err(FolderError::DuplicateTensor {
                    path,
                    first: other.place(),
                    second: tensor.place(),
                });
            }
            tensors.insert(name, tensor);
        }
        Ok(Self { path, tensors })
    }

    /// The file that messages name: the one with the weights, or the index of the shards.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// A tensor by the model's name.
    pub fn get(&self, name: &str) -> Option<&FolderTensor> {
        self.tensors.get(name)
    }

    /// The tensors with the model's names, in the order of these names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FolderTensor)> {
        let tensors = self.tensors.iter();
        tensors.map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Leaves out what a model does not need, by the model's names.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.tensors.retain(|name, _| keep(name));
    }

    /// Compares the tensors with those that a configuration asks for, by the model's names, with shapes
    /// in PyTorch's layout. `in_file` gives the name that a missing tensor would have in the file.
    ///
    /// No number is read, and no memory is asked for that the folder does not fill: a model may be made
    /// by a configuration that passes.
    ///
    /// # Errors
    /// [`FolderError::Mismatch`] names each missing, unexpected and misshapen tensor;
    /// [`FolderError::WeightType`] names one whose numbers are no floats of 16 to 64 bits.
    pub fn check(
        &self,
        expected: impl IntoIterator<Item = (String, Vec<usize>)>,
        in_file: impl Fn(&str) -> String,
    ) -> Result<(), FolderError> {
        let mut mismatch = TensorMismatch {
            path: self.path.clone(),
            missing: Vec::new(),
            unexpected: Vec::new(),
            misshapen: Vec::new(),
        };
        let mut unexpected: BTreeMap<&str, &FolderTensor> = self.iter().collect();
        for (name, shape) in expected {
            let Some(tensor) = unexpected.remove(name.as_str()) else {
                mismatch.missing.push((in_file(&name), shape));
                continue;
            };
            if tensor.shape() != shape {
                mismatch.misshapen.push(Misshapen {
                    name: tensor.name().to_owned(),
                    expected: shape,
                    found: tensor.shape().to_vec(),
                });
            } else {
                tensor.check_type(&self.path)?;
            }
        }
        let unexpected = unexpected.into_values();
        let unexpected = unexpected.map(|t| (t.name().to_owned(), t.shape().to_vec()));
        mismatch.unexpected = unexpected.collect();
        match mismatch.is_empty() {
            true => Ok(()),
            false => Err(Box::new(mismatch).into()),
        }
    }

    /// The tensors with the model's names.
    pub fn into_tensors(self) -> impl Iterator<Item = (String, FolderTensor)> {
        self.tensors.into_iter()
    }
}
