//! Tensors on their way into a file.

/// A tensor that can be written. Its numbers are asked for when their turn comes, so that a model on a
/// device is never on the host as a whole.
pub trait TensorSource {
    /// Its name in the file.
    fn name(&self) -> &str;

    /// Its shape, in PyTorch's layout.
    fn shape(&self) -> &[usize];

    /// Its numbers, row by row.
    ///
    /// # Errors
    /// Why they cannot be had, in words.
    fn values(&self) -> Result<Vec<f32>, String>;
}

/// A tensor in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its name in the file.
    pub name: String,
    /// Its shape, in PyTorch's layout.
    pub shape: Vec<usize>,
    /// Its numbers, row by row.
    pub values: Vec<f32>,
}

impl TensorSource for NamedTensor {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn values(&self) -> Result<Vec<f32>, String> {
        Ok(self.values.clone())
    }
}
