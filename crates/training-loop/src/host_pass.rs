//! What the loop does to every parameter at every step, as one pass over the parameter's memory on
//! all cores. burn's pure-Rust CPU backend makes one pass an operation, on one core: AdamW alone is
//! a dozen. Other backends, and other types than f32, keep burn's operations.

use burn::Tensor;
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::DType;
use rayon::prelude::*;

/// Elements that one task takes. Sums are added up task by task in order, so that they do not depend
/// on the number of threads.
const TASK: usize = 1 << 15;

/// A tensor in host memory, its elements in order and nothing around them.
pub(crate) struct HostTensor(FlexTensor);

impl HostTensor {
    /// `None` if the tensor is somewhere else, is not f32, or is a view.
    pub(crate) fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if tensor.dtype() != DType::F32 {
            return None;
        }
        let found = tensor.clone().try_into_primitive::<Flex>().ok()?;
        let whole = found.bytes().len() == found.layout().num_elements() * size_of::<f32>();
        (whole && found.is_contiguous()).then_some(Self(found))
    }

    /// Takes a tensor that [`of`](Self::of) has found to be here, so that it can be changed in place
    /// if nobody else holds it.
    pub(crate) fn take<const D: usize>(tensor: Tensor<D>) -> Self {
        let found = tensor.try_into_primitive::<Flex>();
        Self(found.expect("the caller has asked `of`"))
    }

    pub(crate) fn into_tensor<const D: usize>(self) -> Tensor<D> {
        Tensor::from_primitive::<Flex>(self.0)
    }

    fn values(&self) -> &[f32] {
        self.0.storage()
    }

    /// Copies the elements first if somebody else holds them too.
    fn values_mut(&mut self) -> &mut [f32] {
        self.0.storage_mut()
    }

    /// `Σ x²`
    pub(crate) fn square_sum(&self) -> f64 {
        let sums: Vec<f64> = self.values().par_chunks(TASK).map(square_sum).collect();
        sums.iter().sum()
    }

    /// `x · factor`
    pub(crate) fn scale(&mut self, factor: f32) {
        let tasks = self.values_mut().par_chunks_mut(TASK);
        tasks.for_each(|x| x.iter_mut().for_each(|x| *x *= factor));
    }
}

/// In 16 partial sums, so that they become vector instructions.
fn square_sum(values: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [0.0f32; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane += x * x;
        }
    }
    let rest = rest.iter().map(|x| f64::from(x * x)).sum::<f64>();
    lanes.into_iter().map(f64::from).sum::<f64>() + rest
}

/// The numbers of one AdamW update: what `torch.optim.AdamW` calls betas and eps, and what follows
/// from the step and the learning rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamWUpdate {
    pub(crate) beta_1: f32,
    pub(crate) beta_2: f32,
    pub(crate) epsilon: f32,
    pub(crate) learning_rate: f32,
    /// `1 - learning rate · weight decay`
    pub(crate) keep: f32,
    /// `1 - β₁ᵗ`
    pub(crate) correction_1: f32,
    /// `1 - β₂ᵗ`
    pub(crate) correction_2: f32,
}

impl AdamWUpdate {
    /// Updates a parameter θ and both its moments (decoupled weight decay, 1711.05101, algorithm 2):
    ///
    /// ```text
    /// m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
    /// θ ← (1 − η λ) θ − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
    /// ```
    ///
    /// The operations and their order are burn's, so the result is the same to the last bit.
    pub(crate) fn apply(
        self,
        parameter: &mut HostTensor,
        grad: &HostTensor,
        [moment_1, moment_2]: [&mut HostTensor; 2],
    ) {
        let tasks = parameter.values_mut().par_chunks_mut(TASK);
        let tasks = tasks.zip(grad.values().par_chunks(TASK));
        let tasks = tasks.zip(moment_1.values_mut().par_chunks_mut(TASK));
        let tasks = tasks.zip(moment_2.values_mut().par_chunks_mut(TASK));
        tasks.for_each(|(((parameter, grad), moment_1), moment_2)| {
            pulp::Arch::new().dispatch(Elements {
                update: self,
                parameter,
                grad,
                moment_1,
                moment_2,
            });
        });
    }
}

struct Elements<'a> {
    update: AdamWUpdate,
    parameter: &'a mut [f32],
    grad: &'a [f32],
    moment_1: &'a mut [f32],
    moment_2: &'a mut [f32],
}

/// Compiled for each set of vector instructions, which square roots and divisions gain from.
impl pulp::WithSimd for Elements<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let AdamWUpdate {
            beta_1,
            beta_2,
            epsilon,
            learning_rate,
            keep,
            correction_1,
            correction_2,
        } = self.update;
        let moments = self.moment_1.iter_mut().zip(self.moment_2);
        let parameters = self.parameter.iter_mut().zip(self.grad);
        for ((p, g), (m, v)) in parameters.zip(moments) {
            *m = *m * beta_1 + g * (1.0 - beta_1);
            *v = *v * beta_2 + g * g * (1.0 - beta_2);
            let deviation = (*v / correction_2).sqrt() + epsilon;
            *p = *p * keep - *m / correction_1 / deviation * learning_rate;
        }
    }
}
