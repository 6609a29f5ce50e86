//! What can be wrong with a folder.

use std::path::{Path, PathBuf};

use crate::mismatch::{TensorMismatch, list};

/// An error of a folder, with the file and the tensor that it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file or folder could not be read or written, or is no regular file of a sensible size.
    #[error(transparent)]
    File(#[from] atomic_files::FileError),
    /// A file is not the JSON it should be.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// A setting is outside what is allowed.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// The tensors are not those of the model that the configuration describes.
    #[error(transparent)]
    Mismatch(#[from] Box<TensorMismatch>),
    /// A tensor holds numbers of a type that is not read: integers, eight-bit floats, ....
    #[error("{}: {name} holds {dtype}, allowed: F64, F32, F16, BF16", path.display())]
    WeightType {
        /// The file, or the index of the shards.
        path: PathBuf,
        /// The tensor, and its shard.
        name: String,
        /// The type, as the file names it.
        dtype: String,
    },
    /// A `safetensors` file is damaged.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The index of a sharded checkpoint points out of its folder.
    #[error("{}: weight_map names {shard:?}, allowed: a file of the same folder", index.display())]
    ForeignShard {
        /// The index.
        index: PathBuf,
        /// The name.
        shard: String,
    },
    /// A file that the index of a sharded checkpoint names is not in the folder.
    #[error("{}: {shard} is not in the folder, where {tensors} tensors should be", index.display())]
    MissingShard {
        /// The index.
        index: PathBuf,
        /// The file's name.
        shard: String,
        /// How many tensors the index puts there.
        tensors: usize,
    },
    /// A shard lacks tensors that the index puts there.
    #[error("{}: {shard} lacks {}", index.display(), list(names.iter().cloned()))]
    ShardLacksTensors {
        /// The index.
        index: PathBuf,
        /// The file's name.
        shard: String,
        /// The tensors.
        names: Vec<String>,
    },
    /// A checkpoint holds a tensor twice: in two shards, or under an old and a new name.
    #[error("{}: {first} and {second} are the same tensor", path.display())]
    DuplicateTensor {
        /// The file, or the index of the shards.
        path: PathBuf,
        /// One of the two, and its shard.
        first: String,
        /// The other.
        second: String,
    },
    /// A number is too large for the type that was asked for, and would be written as infinity.
    #[error("{name} holds {value}, too large for {weight_type}, allowed: at most {largest}")]
    OutOfRange {
        /// The tensor.
        name: String,
        /// The number.
        value: f32,
        /// The type, as PyTorch names it.
        weight_type: &'static str,
        /// The largest number of that type.
        largest: f32,
    },
    /// The numbers of a tensor that was to be written, or filled in, cannot be had.
    #[error("{name}: {reason}")]
    Values {
        /// The tensor.
        name: String,
        /// What its owner says.
        reason: String,
    },
    /// A folder to be written holds something that a model folder does not.
    #[error("{} holds {entry}, which is not part of a model folder: name a new or an empty folder", dir.display())]
    FolderOccupied {
        /// The folder.
        dir: PathBuf,
        /// The first foreign entry.
        entry: String,
    },
}

impl FolderError {
    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// An error of the system about a file.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            Self::File(atomic_files::FileError::Io {
                path,
                action,
                source,
            })
        }
    }
}
