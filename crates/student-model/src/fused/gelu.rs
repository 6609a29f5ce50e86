//! `gelu(z + bias)`: the inner activation of the feed-forward network.
//!
//! With `x = z + b` (`b` added to every row), `Φ` and `φ` the standard normal distribution and its density:
//!
//! - forward: `y = x Φ(x)`
//! - backward, from `dy`: `dz = dy ∘ y'`, `y' = Φ(x) + x φ(x)`, because `Φ' = φ`; `db = Σ_rows dz`
//!
//! The forward pass keeps the slope `y'` and not `x`: value and slope share the one exponential
//! ([`vector_math::gelu_with_slope`]), which the backward pass is spared, and the slope lies where `z`
//! lay, so that the graph keeps one matrix either way.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use rayon::prelude::*;
use vector_math::pulp::{Simd, WithSimd};
use vector_math::{Instructions, gelu_with_slope};

use super::node::{Outcome, register};
use super::primitive::{contiguous, slice, tensor, tracked, vector};
use super::sums::{TASK_ROWS, accumulate, total};

/// `gelu(z + bias)` with the exact Gaussian distribution function.
///
/// # Shapes
/// `[b, t, m]` and `[m]` → `[b, t, m]`
pub(crate) fn bias_gelu(z: Tensor<3>, bias: Tensor<1>) -> Tensor<3> {
    let (z, z_guard) = tracked(z).into_parts();
    let (bias, bias_guard) = tracked(bias).into_parts();
    let mut slope = contiguous(z);
    let shape = slope.layout().shape().clone();
    let output = forward(slope.storage_mut(), slice(&contiguous(bias)));
    Outcome {
        output: tensor(output, shape),
        state: slope,
    }
    .record(BiasGelu, [z_guard, bias_guard])
}

#[derive(Debug)]
struct BiasGelu;

impl Backward<Flex, 2> for BiasGelu {
    /// The slope of the activation at each element.
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = contiguous(grads.consume::<Flex>(&ops.node));
        let [z, bias] = ops.parents.map(|node| node.map(|node| node.id));
        let mut dz = ops.state;
        let shape = dz.layout().shape().clone();
        let width = shape[shape.num_dims() - 1];
        let d_bias = backward(dz.storage_mut(), slice(&grad), width);
        register(grads, z, dz);
        register(grads, bias, vector(d_bias));
    }
}

/// Gives the output, and leaves the slopes in `z`.
fn forward(z: &mut [f32], bias: &[f32]) -> Vec<f32> {
    let task = TASK_ROWS * bias.len();
    let mut output = vec![0.0; z.len()];
    let tasks = output.par_chunks_mut(task).zip(z.par_chunks_mut(task));
    tasks.for_each(|(output, z)| Instructions::best().dispatch(ForwardRows { output, z, bias }));
    output
}

struct ForwardRows<'a> {
    output: &'a mut [f32],
    z: &'a mut [f32],
    bias: &'a [f32],
}

impl WithSimd for ForwardRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.bias.len();
        let (bias, bias_rest) = S::as_simd_f32s(self.bias);
        let rows = self.z.chunks_exact_mut(width);
        for (output, z) in self.output.chunks_exact_mut(width).zip(rows) {
            let (output, output_rest) = S::as_mut_simd_f32s(output);
            let (z, z_rest) = S::as_mut_simd_f32s(z);
            for ((output, z), &bias) in output.iter_mut().zip(z).zip(bias) {
                (*output, *z) = gelu_with_slope(simd, simd.add_f32s(*z, bias));
            }
            if !bias_rest.is_empty() {
                let bias = simd.partial_load_f32s(bias_rest);
                let x = simd.add_f32s(simd.partial_load_f32s(z_rest), bias);
                let (value, slope) = gelu_with_slope(simd, x);
                simd.partial_store_f32s(output_rest, value);
                simd.partial_store_f32s(z_rest, slope);
            }
        }
    }
}

/// Turns the slopes in `dz` into the gradient of `z`; gives that of the bias.
fn backward(dz: &mut [f32], grad: &[f32], width: usize) -> Vec<f32> {
    let task = TASK_ROWS * width;
    let tasks = dz.par_chunks_mut(task).zip(grad.par_chunks(task));
    let partial: Vec<Vec<f32>> = tasks
        .map(|(dz, grad)| Instructions::best().dispatch(BackwardRows { dz, grad, width }))
        .collect();
    total(width, partial)
}

struct BackwardRows<'a> {
    dz: &'a mut [f32],
    grad: &'a [f32],
    width: usize,
}

impl WithSimd for BackwardRows<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f32> {
        let mut sums = vec![0.0; self.width];
        let grad = self.grad.chunks_exact(self.width);
        for (dz, grad) in self.dz.chunks_exact_mut(self.width).zip(grad) {
            for (dz, grad) in dz.iter_mut().zip(grad) {
                *dz *= grad;
            }
            accumulate(&mut sums, dz);
        }
        sums
    }
}
