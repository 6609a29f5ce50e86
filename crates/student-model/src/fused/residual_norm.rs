//! `LayerNorm(dropout(z + bias) + residual)`: how each half of a layer ends.
//!
//! One row of `h` numbers, with `b` the bias, `r` the residual, `m` the mask's factors (0, or
//! `1 / (1 - p)`), `γ` and `β` the norm's, and means over the row:
//!
//! - forward: `u = m ∘ (z + b) + r`, `μ = mean(u)`, `s = 1 / √(mean((u - μ)²) + ε)`, `n = s (u - μ)`,
//!   `y = γ ∘ n + β`
//! - backward, from `dy`, with `g = γ ∘ dy`: `s` and `μ` depend on every `u_i`,
//!   `∂μ/∂u_i = 1/h` and `∂s/∂u_i = -s² n_i / h`, so that `∂n_j/∂u_i = s (δ_ij - 1/h - n_i n_j / h)` and
//!   `du = s (g - mean(g) - n mean(g ∘ n))`
//! - then `dr = du`, `dz = m ∘ du`, and summed over rows `db = Σ dz`, `dγ = Σ dy ∘ n`, `dβ = Σ dy`
//!
//! The forward pass keeps `n` in the place of `z`, and `s`; the backward pass turns `n` into `dr` and `dy`
//! into `dz` where they lie, and adds the three sums up in the same pass over memory.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::nn::{Dropout, LayerNorm};
use burn::tensor::Tensor;
use rayon::prelude::*;
use vector_math::Instructions;
use vector_math::pulp::{Simd, WithSimd};

use super::dropout_mask::DropoutMask;
use super::node::{Outcome, register};
use super::primitive::{contiguous, slice, tensor, tracked, vector};
use super::sums::{TASK_ROWS, accumulate, sum_of, sum_of_pairs, total};

/// `LayerNorm(dropout(z + bias) + residual)`.
///
/// # Shapes
/// `[b, t, h]` and `[h]` → `[b, t, h]`
///
/// burn does not tell a norm's `epsilon`, so it is asked for.
pub(crate) fn residual_norm(
    z: Tensor<3>,
    bias: Tensor<1>,
    residual: Tensor<3>,
    dropout: &Dropout,
    norm: &LayerNorm,
    epsilon: f64,
) -> Tensor<3> {
    let beta = norm.beta.as_ref().expect("a BERT's norms have a bias");
    let (z, z_guard) = tracked(z).into_parts();
    let (bias, bias_guard) = tracked(bias).into_parts();
    let (residual, residual_guard) = tracked(residual).into_parts();
    let (gamma, gamma_guard) = tracked(norm.gamma.val()).into_parts();
    let (beta, beta_guard) = tracked(beta.val()).into_parts();
    let mask = DropoutMask::draw(dropout);
    let mut normal = contiguous(z);
    let shape = normal.layout().shape().clone();
    let [bias, residual, gamma, beta] = [bias, residual, gamma, beta].map(contiguous);
    let inputs = Inputs {
        bias: slice(&bias),
        residual: slice(&residual),
        gamma: slice(&gamma),
        beta: slice(&beta),
        epsilon: epsilon as f32,
    };
    let (output, inverse_std) = forward(normal.storage_mut(), &inputs, mask);
    let state = State {
        normal,
        inverse_std,
        gamma,
        mask,
    };
    let guards = [z_guard, bias_guard, residual_guard, gamma_guard, beta_guard];
    Outcome {
        output: tensor(output, shape),
        state,
    }
    .record(ResidualNorm, guards)
}

#[derive(Debug)]
struct ResidualNorm;

#[derive(Debug, Clone)]
struct State {
    /// The normalised sum, before `gamma` and `beta`.
    normal: FlexTensor,
    /// `1 / √(variance + ε)` of each row.
    inverse_std: Vec<f32>,
    gamma: FlexTensor,
    mask: DropoutMask,
}

impl Backward<Flex, 5> for ResidualNorm {
    type State = State;

    fn backward(self, ops: Ops<State, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let mut dz = contiguous(grads.consume::<Flex>(&ops.node));
        let [z, bias, residual, gamma, beta] = ops.parents.map(|node| node.map(|node| node.id));
        let State {
            normal: mut d_residual,
            inverse_std,
            gamma: scale,
            mask,
        } = ops.state;
        let found = backward(
            d_residual.storage_mut(),
            dz.storage_mut(),
            &inverse_std,
            slice(&scale),
            mask,
        );
        register(grads, z, dz);
        register(grads, bias, vector(found.d_bias));
        register(grads, residual, d_residual);
        register(grads, gamma, vector(found.d_gamma));
        register(grads, beta, vector(found.d_beta));
    }
}

struct Inputs<'a> {
    bias: &'a [f32],
    residual: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    epsilon: f32,
}

/// Gives the output and each row's inverse standard deviation; leaves the normalised sum in `z`.
fn forward(z: &mut [f32], inputs: &Inputs<'_>, mask: DropoutMask) -> (Vec<f32>, Vec<f32>) {
    let width = inputs.gamma.len();
    let task = TASK_ROWS * width;
    let mut output = vec![0.0; z.len()];
    let mut inverse_std = vec![0.0; z.len() / width];
    let tasks = output.par_chunks_mut(task).zip(z.par_chunks_mut(task));
    let tasks = tasks.zip(inputs.residual.par_chunks(task));
    let tasks = tasks.zip(inverse_std.par_chunks_mut(TASK_ROWS));
    tasks
        .enumerate()
        .for_each(|(i, (((output, z), residual), inverse_std))| {
            Instructions::best().dispatch(ForwardRows {
                output,
                z,
                residual,
                inverse_std,
                inputs,
                mask,
                first: (i * task) as u32,
            });
        });
    (output, inverse_std)
}

struct ForwardRows<'a> {
    output: &'a mut [f32],
    z: &'a mut [f32],
    residual: &'a [f32],
    inverse_std: &'a mut [f32],
    inputs: &'a Inputs<'a>,
    mask: DropoutMask,
    /// Position of the first element among all.
    first: u32,
}

impl WithSimd for ForwardRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Inputs {
            bias, gamma, beta, ..
        } = *self.inputs;
        let width = gamma.len();
        let rows = self
            .output
            .chunks_exact_mut(width)
            .zip(self.z.chunks_exact_mut(width))
            .zip(self.residual.chunks_exact(width))
            .zip(self.inverse_std);
        let mut first = self.first;
        for (((output, z), residual), inverse_std) in rows {
            let sums = z.iter_mut().zip(bias).zip(residual);
            for (column, ((z, bias), residual)) in (0u32..).zip(sums) {
                let factor = self.mask.factor(first.wrapping_add(column));
                *z = (*z + bias) * factor + residual;
            }
            first = first.wrapping_add(width as u32);
            *inverse_std = normalise(z, self.inputs.epsilon);
            let affine = z.iter().zip(gamma).zip(beta);
            for (output, ((z, gamma), beta)) in output.iter_mut().zip(affine) {
                *output = z * gamma + beta;
            }
        }
    }
}

/// Shifts and scales a row to mean 0 and variance 1; gives the inverse standard deviation.
#[inline(always)]
fn normalise(row: &mut [f32], epsilon: f32) -> f32 {
    let width = row.len() as f32;
    let mean = sum_of(row, |x| x) / width;
    let variance = sum_of(row, |x| (x - mean) * (x - mean)) / width;
    let inverse_std = 1.0 / (variance + epsilon).sqrt();
    for x in row {
        *x = (*x - mean) * inverse_std;
    }
    inverse_std
}

/// Sums over rows.
struct Gradient {
    d_bias: Vec<f32>,
    d_gamma: Vec<f32>,
    d_beta: Vec<f32>,
}

/// Turns the normalised sum in `normal` into the gradient of the residual, and the output's gradient
/// in `grad` into that of `z`; gives the others.
fn backward(
    normal: &mut [f32],
    grad: &mut [f32],
    inverse_std: &[f32],
    gamma: &[f32],
    mask: DropoutMask,
) -> Gradient {
    let width = gamma.len();
    let task = TASK_ROWS * width;
    let tasks = normal.par_chunks_mut(task).zip(grad.par_chunks_mut(task));
    let tasks = tasks.zip(inverse_std.par_chunks(TASK_ROWS)).enumerate();
    let partial: Vec<Vec<f32>> = tasks
        .map(|(i, ((normal, grad), inverse_std))| {
            Instructions::best().dispatch(BackwardRows {
                normal,
                grad,
                inverse_std,
                gamma,
                mask,
                first: (i * task) as u32,
            })
        })
        .collect();
    let mut d_bias = total(3 * width, partial);
    let d_beta = d_bias.split_off(2 * width);
    let d_gamma = d_bias.split_off(width);
    Gradient {
        d_bias,
        d_gamma,
        d_beta,
    }
}

struct BackwardRows<'a> {
    normal: &'a mut [f32],
    grad: &'a mut [f32],
    inverse_std: &'a [f32],
    gamma: &'a [f32],
    mask: DropoutMask,
    /// Position of the first element among all.
    first: u32,
}

impl WithSimd for BackwardRows<'_> {
    /// Three sums over rows, one after the other: d_bias, d_gamma, d_beta.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f32> {
        let width = self.gamma.len();
        let mut sums = vec![0.0; 3 * width];
        let (d_bias, rest) = sums.split_at_mut(width);
        let (d_gamma, d_beta) = rest.split_at_mut(width);
        let mut scaled = vec![0.0; width];
        let rows = self
            .normal
            .chunks_exact_mut(width)
            .zip(self.grad.chunks_exact_mut(width))
            .zip(self.inverse_std);
        let mut first = self.first;
        for ((normal, grad), &inverse_std) in rows {
            accumulate(d_beta, grad);
            for ((sum, grad), normal) in d_gamma.iter_mut().zip(&*grad).zip(&*normal) {
                *sum += grad * normal;
            }
            for ((scaled, grad), gamma) in scaled.iter_mut().zip(&*grad).zip(self.gamma) {
                *scaled = grad * gamma;
            }
            let mean = sum_of(&scaled, |x| x) / width as f32;
            let along = sum_of_pairs(&scaled, normal, |x, y| x * y) / width as f32;
            for (normal, scaled) in normal.iter_mut().zip(&scaled) {
                *normal = inverse_std * (scaled - mean - *normal * along);
            }
            for (column, (grad, normal)) in (0u32..).zip(grad.iter_mut().zip(&*normal)) {
                *grad = normal * self.mask.factor(first.wrapping_add(column));
            }
            first = first.wrapping_add(width as u32);
            accumulate(d_bias, grad);
        }
        sums
    }
}
