//! From tensors to slices and back, without copies where there is none to make.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{DType, Shape, Tensor, TensorData};

/// Whether the operations of this module take `tensor`: f32, on the pure-Rust CPU backend, with
/// autodiff and without gradient checkpointing.
pub(crate) fn applies_to<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32
        && tensor
            .clone()
            .try_into_primitive::<Autodiff<Flex>>()
            .is_ok()
}

/// The tensor as the autodiff backend has it.
///
/// # Panics
/// If [`applies_to`] does not hold: a bug of this crate, or of a caller that mixes devices.
pub(super) fn tracked<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Autodiff<Flex>> {
    tensor
        .try_into_primitive::<Autodiff<Flex>>()
        .expect("all tensors of an operation are on one device")
}

/// A tensor that no gradient flows into, on an autodiff device or not.
pub(super) fn constant<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    match tensor.clone().try_into_primitive::<Flex>() {
        Ok(plain) => contiguous(plain),
        Err(_) => contiguous(tracked(tensor).into_primitive()),
    }
}

/// The tensor with its elements in order and nothing around them.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    let whole = tensor.bytes().len() == tensor.layout().num_elements() * size_of::<f32>();
    if whole && tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The elements of a contiguous tensor.
pub(super) fn slice(tensor: &FlexTensor) -> &[f32] {
    tensor.storage()
}

/// A tensor of `values`.
pub(super) fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// A tensor of rank 1.
pub(super) fn vector(values: Vec<f32>) -> FlexTensor {
    let shape = Shape::new([values.len()]);
    tensor(values, shape)
}

/// A tensor of rank 2 with `columns` columns.
pub(super) fn matrix(values: Vec<f32>, columns: usize) -> FlexTensor {
    let shape = Shape::new([values.len() / columns, columns]);
    tensor(values, shape)
}
