//! Checks of shapes, shared by every loss.

use burn::tensor::Tensor;

use crate::CrsdLossError;

/// The dimensions of a matrix that holds at least one cell.
pub(crate) fn check_not_empty(
    tensor: &'static str,
    matrix: &Tensor<2>,
) -> Result<[usize; 2], CrsdLossError> {
    let dims = matrix.dims();
    if dims.contains(&0) {
        return Err(CrsdLossError::EmptyBatch {
            tensor,
            shape: dims.to_vec(),
        });
    }
    Ok(dims)
}

/// Fails unless `found` is `expected`, the shape that `reference` asks for.
pub(crate) fn check_shape<const D: usize>(
    tensor: &'static str,
    found: [usize; D],
    expected: [usize; D],
    reference: &'static str,
) -> Result<(), CrsdLossError> {
    if found == expected {
        return Ok(());
    }
    Err(CrsdLossError::ShapeMismatch {
        tensor,
        found: found.to_vec(),
        expected: expected.to_vec(),
        reference,
    })
}
