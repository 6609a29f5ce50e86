//! One tensor of a folder.

use std::path::Path;

use crate::FolderError;
use crate::tensor_file::{TensorFile, TensorHeader};
use crate::weight_type::is_read;

/// A tensor of a folder, whose numbers have not been read.
#[derive(Debug, Clone)]
pub struct FolderTensor {
    header: TensorHeader,
    file: TensorFile,
    /// The shard's name; none if there is one file only.
    shard: Option<String>,
}

impl FolderTensor {
    pub(crate) fn new(header: TensorHeader, file: &TensorFile, shard: Option<&str>) -> Self {
        Self {
            header,
            file: file.clone(),
            shard: shard.map(str::to_owned),
        }
    }

    /// Its name in the file.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Its shape, in PyTorch's layout.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// Reads its numbers, row by row, as f32, from F64, F32, F16 or BF16.
    ///
    /// # Errors
    /// [`FolderError::WeightType`] for another type; [`FolderError::File`] if the file cannot be read
    /// any more.
    pub fn values(&self) -> Result<Vec<f32>, FolderError> {
        self.check_type(&self.file.path)?;
        self.file.values(&self.header)
    }

    pub(crate) fn check_type(&self, path: &Path) -> Result<(), FolderError> {
        if is_read(self.header.dtype) {
            return Ok(());
        }
        Err(FolderError::WeightType {
            path: path.to_owned(),
            name: self.place(),
            dtype: self.header.dtype.to_string(),
        })
    }

    /// For messages.
    pub(crate) fn place(&self) -> String {
        match &self.shard {
            Some(shard) => format!("{} of {shard}", self.name()),
            None => self.name().to_owned(),
        }
    }
}
