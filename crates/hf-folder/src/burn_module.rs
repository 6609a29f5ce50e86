//! Folders and the parameters of burn modules.
//!
//! PyTorch keeps a linear layer's weights as `[outputs, inputs]`, burn as `[inputs, outputs]`, and a
//! norm's scale is called `weight` there and `gamma` here; burn's adapters turn one into the other.

use burn::module::Module;
use burn::store::burn_pack::{Error as StoreError, Tensor as StoredTensor};
use burn::store::{
    BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter,
    bridge,
};
use burn::tensor::{DType, TensorData};

use crate::{FolderError, FolderTensor, TensorSource, Weights};

/// Fills the parameters of a module with weights that have passed [`Weights::check`]; `module_path` says
/// where a tensor lives, by the model's name. One tensor is read at a time.
///
/// # Errors
/// [`FolderError::Damaged`] if a file cannot be read, or the module has other parameters than the
/// folder has tensors.
pub fn load_module<M: Module>(
    module: &mut M,
    weights: Weights,
    module_path: impl Fn(&str) -> String,
) -> Result<(), FolderError> {
    let path = weights.path().to_owned();
    let tensors = weights
        .into_tensors()
        .map(|(name, tensor)| stored(module_path(&name), tensor));
    let adapter = Box::new(PyTorchToBurnAdapter);
    let result = module.apply(tensors.collect(), None, Some(adapter), false);
    let clean = result.errors.is_empty() && result.missing.is_empty();
    if clean && result.unused.is_empty() {
        return Ok(());
    }
    Err(FolderError::damaged(&path, result))
}

fn stored(path: String, tensor: FolderTensor) -> StoredTensor {
    let shape = tensor.shape().to_vec();
    let values = move || {
        let values = tensor.values();
        let values = values.map_err(|error| StoreError::ValidationError(error.to_string()))?;
        Ok(TensorData::new(values, tensor.shape().to_vec()))
    };
    bridge::deferred(path, DType::F32, shape.into(), None, values)
}

/// The parameters of a module under their names in a file, to be written by
/// [`FolderWriter::write_weights`](crate::FolderWriter::write_weights). They stay on their device until
/// then.
pub fn module_tensors<M: Module>(
    module: &M,
    name_in_file: impl Fn(&str) -> String,
) -> Vec<ModuleTensor> {
    let adapter = BurnToPyTorchAdapter.chain(FloatCastAdapter::to(DType::F32));
    let tensors = module.collect(None, Some(Box::new(adapter)), false);
    let tensors = tensors.into_iter().map(|tensor| ModuleTensor {
        name: name_in_file(&tensor.name),
        shape: tensor.shape.to_vec(),
        tensor,
    });
    tensors.collect()
}

/// A parameter of a module, as [`module_tensors`] lists them.
#[derive(Debug, Clone)]
pub struct ModuleTensor {
    name: String,
    shape: Vec<usize>,
    tensor: StoredTensor,
}

impl TensorSource for ModuleTensor {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn values(&self) -> Result<Vec<f32>, String> {
        let data = bridge::to_data(&self.tensor).map_err(|error| error.to_string())?;
        data.try_into_vec().map_err(|error| format!("{error:?}"))
    }
}
