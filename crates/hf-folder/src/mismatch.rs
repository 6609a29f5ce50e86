//! How the tensors of a folder differ from those that a configuration asks for.

use std::fmt;
use std::path::PathBuf;

/// How the tensors of a folder differ from those of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorMismatch {
    /// The file with the tensors, or the index of the shards.
    pub path: PathBuf,
    /// Tensors of the model that the folder lacks, with their shapes.
    pub missing: Vec<(String, Vec<usize>)>,
    /// Tensors of the folder that the model does not have, with their shapes.
    pub unexpected: Vec<(String, Vec<usize>)>,
    /// Tensors with another shape than the model's.
    pub misshapen: Vec<Misshapen>,
}

/// A tensor whose shape in the file is not the model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Its name in the file.
    pub name: String,
    /// The shape that the configuration asks for, in PyTorch's layout.
    pub expected: Vec<usize>,
    /// The shape in the file.
    pub found: Vec<usize>,
}

impl TensorMismatch {
    /// Whether there is no difference.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty()
    }
}

impl std::error::Error for TensorMismatch {}

impl fmt::Display for TensorMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |tensors: &[(String, Vec<usize>)]| {
            list(
                tensors
                    .iter()
                    .map(|(name, shape)| format!("{name} {shape:?}")),
            )
        };
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!("missing {}", shown(&self.missing)));
        }
        if !self.unexpected.is_empty() {
            parts.push(format!("unexpected {}", shown(&self.unexpected)));
        }
        if !self.misshapen.is_empty() {
            let shapes = self.misshapen.iter();
            let shapes = shapes.map(|m| {
                format!(
                    "{} has shape {:?}, expected {:?}",
                    m.name, m.found, m.expected
                )
            });
            parts.push(list(shapes));
        }
        write!(f, "{}: {}", self.path.display(), parts.join("; "))
    }
}

/// The first few of many, then a count.
pub(crate) fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let more = items.len().saturating_sub(SHOWN);
    let mut text = items.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}
