//! `gelu(z + bias)`: the inner activation of the feed-forward network.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::node::{Outcome, register};
use super::primitive::{contiguous, slice, tensor, tracked, vector};
use super::vectors::{Loops, TASK_ROWS, accumulate, exp, total, widest};

/// `gelu(z + bias)` with the exact Gaussian distribution function, `[b, t, m]` and `[m]`.
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
    tasks.for_each(|(output, z)| widest(ForwardRows { output, z, bias }));
    output
}

struct ForwardRows<'a> {
    output: &'a mut [f32],
    z: &'a mut [f32],
    bias: &'a [f32],
}

impl Loops for ForwardRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.bias.len();
        let z = self.z.chunks_exact_mut(width);
        for (output, z) in self.output.chunks_exact_mut(width).zip(z) {
            for ((output, z), bias) in output.iter_mut().zip(z).zip(self.bias) {
                (*output, *z) = gelu_and_slope(*z + bias);
            }
        }
    }
}

/// Turns the slopes in `dz` into the gradient of `z`; gives that of the bias.
fn backward(dz: &mut [f32], grad: &[f32], width: usize) -> Vec<f32> {
    let task = TASK_ROWS * width;
    let tasks = dz.par_chunks_mut(task).zip(grad.par_chunks(task));
    let partial: Vec<Vec<f32>> = tasks
        .map(|(dz, grad)| widest(BackwardRows { dz, grad, width }))
        .collect();
    total(width, partial)
}

struct BackwardRows<'a> {
    dz: &'a mut [f32],
    grad: &'a [f32],
    width: usize,
}

impl Loops for BackwardRows<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run(self) -> Vec<f32> {
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

/// `x Φ(x)` and its derivative `Φ(x) + x φ(x)`.
///
/// `Φ` by formula 7.1.26 of Abramowitz and Stegun, *Handbook of Mathematical Functions*: at most
/// 7.5e-8 off, and its exponential is the one that `φ` needs.
#[inline(always)]
fn gelu_and_slope(x: f32) -> (f32, f32) {
    const INVERSE_SQRT_TAU: f32 = 0.398_942_3;
    let bell = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let p = 1.061_405_4;
    let p = p * t - 1.453_152_1;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_72;
    let p = p * t + 0.254_829_6;
    let tail = 0.5 * p * t * bell;
    let cdf = if x < 0.0 { tail } else { 1.0 - tail };
    (x * cdf, cdf + x * bell * INVERSE_SQRT_TAU)
}
