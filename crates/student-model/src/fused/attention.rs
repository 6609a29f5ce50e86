//! Multi-head attention with its three projections and dropout on the probabilities.
//!
//! One batch element and one head; `X` and `X_q` are the rows that are asked and that ask (the same, or
//! in the last layer `[CLS]` alone), `B` the bias that shuts padding out, `M` the mask's factors (0, or
//! `1 / (1 - p)`), `∘` number by number, `σ` the softmax of each row:
//!
//! ```text
//! Q = (X_q W_q + b_q) / √d    K = X W_k + b_k    V = X W_v + b_v
//! S = Q Kᵀ + B                P = σ(S)           D = M ∘ P          O = D V
//! ```
//!
//! Backward, from `dO`; a product `C = A B` has `dA = dC Bᵀ` and `dB = Aᵀ dC`:
//!
//! ```text
//! dV = Dᵀ dO      dD = dO Vᵀ      dS = P ∘ (M ∘ dD - a 1ᵀ),  a_i = Σ_j P_ij M_ij dD_ij
//! dQ = dS K       dK = dSᵀ Q      dQ' = dQ / √d, before the scale
//! dW_q = X_qᵀ dQ'     db_q = Σ_rows dQ'      dX_q = dQ' W_qᵀ
//! d[W_k W_v] = Xᵀ [dK dV]   d[b_k b_v] = Σ_rows [dK dV]   dX = [dK dV] [W_k W_v]ᵀ
//! ```
//!
//! (`dS`: see [`probabilities`].) `B` is a constant.
//!
//! Why it is written so: the matrices `[b, heads, q, t]` are the largest of a layer. `S`, `P`, `D` and `M`
//! exist for a few heads of one batch element at a time, in one thread's cache, and are made again in the
//! backward pass from `Q`, `K` and one number a row; a tape of operations would keep four of each. Keys
//! and values are projected together, one wide product instead of two.

mod heads;
mod probabilities;

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::nn::{Dropout, Linear};
use burn::tensor::{Shape, Tensor};
use rayon::prelude::*;
use vector_math::Instructions;

use super::bias::{add_bias, column_sums};
use super::dropout_mask::DropoutMask;
use super::node::{Outcome, register};
use super::primitive::{constant, contiguous, matrix, slice, tensor, tracked, vector};
use heads::{Dims, Group, apart, beside};
use probabilities::{ScoreRows, Softmax, SoftmaxBackward};

/// The projections of an attention layer.
pub(crate) struct Projections<'a> {
    pub(crate) query: &'a Linear,
    pub(crate) key: &'a Linear,
    pub(crate) value: &'a Linear,
}

/// `dropout(softmax(Q Kᵀ / √d + bias)) V`, where `Q` is a projection of `rows` and `K`, `V` are
/// projections of `hidden`.
///
/// Probabilities are not kept for the backward pass but computed again, batch by batch.
///
/// # Shapes
/// `[b, q, h]`, `[b, t, h]`, bias `[b, 1, 1, t]` → `[b, q, h]`
pub(crate) fn attention(
    rows: Tensor<3>,
    hidden: Tensor<3>,
    projections: &Projections<'_>,
    bias: Option<Tensor<4>>,
    heads: usize,
    dropout: &Dropout,
) -> Tensor<3> {
    let [b, q, h] = rows.dims();
    let [_, t, _] = hidden.dims();
    let dims = Dims { b, q, t, h, heads };
    let (rows, rows_guard) = tracked(rows).into_parts();
    let (hidden, hidden_guard) = tracked(hidden).into_parts();
    let part = |linear: &Linear| {
        let bias = linear
            .bias
            .as_ref()
            .expect("a BERT's projections have a bias");
        let (weight, weight_guard) = tracked(linear.weight.val()).into_parts();
        let (bias, bias_guard) = tracked(bias.val()).into_parts();
        (
            contiguous(weight),
            contiguous(bias),
            weight_guard,
            bias_guard,
        )
    };
    let (wq, bq, wq_guard, bq_guard) = part(projections.query);
    let (wk, bk, wk_guard, bk_guard) = part(projections.key);
    let (wv, bv, wv_guard, bv_guard) = part(projections.value);
    let state = State {
        dims,
        query_weight: wq,
        key_value_weight: beside(slice(&wk), slice(&wv), h),
        rows: flat(rows, h),
        hidden: flat(hidden, h),
        bias: bias.map(constant),
        mask: DropoutMask::draw(dropout),
        query: FlexTensor::zeros(Shape::new([0]), burn::tensor::DType::F32),
        key_value: FlexTensor::zeros(Shape::new([0]), burn::tensor::DType::F32),
        log_sums: Vec::new(),
    };
    let (output, state) = state.forward(slice(&bq), slice(&bk), slice(&bv));
    let guards = [
        rows_guard,
        hidden_guard,
        wq_guard,
        bq_guard,
        wk_guard,
        bk_guard,
        wv_guard,
        bv_guard,
    ];
    Outcome {
        output: tensor(output, Shape::new([b, q, h])),
        state,
    }
    .record(Attention, guards)
}

#[derive(Debug, Clone)]
struct State {
    dims: Dims,
    query_weight: FlexTensor,
    /// The weights of keys and values side by side, `[h, 2h]`.
    key_value_weight: FlexTensor,
    /// `[b · q, h]`
    rows: FlexTensor,
    /// `[b · t, h]`
    hidden: FlexTensor,
    /// `[b, 1, 1, t]`
    bias: Option<FlexTensor>,
    mask: DropoutMask,
    /// Queries over `√d`, `[b · q, h]`.
    query: FlexTensor,
    /// Keys and values, `[b · t, 2h]`.
    key_value: FlexTensor,
    /// `ln Σ exp` of each row of scores, `[b, heads, q]`.
    log_sums: Vec<f32>,
}

#[derive(Debug)]
struct Attention;

impl Backward<Flex, 8> for Attention {
    type State = State;

    fn backward(self, ops: Ops<State, 8>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = contiguous(grads.consume::<Flex>(&ops.node));
        let [rows, hidden, wq, bq, wk, bk, wv, bv] =
            ops.parents.map(|node| node.map(|node| node.id));
        let state = ops.state;
        let Dims { b, q, t, h, .. } = state.dims;
        let (d_query, d_key_value) = state.backward(&grad);
        register(grads, bq, vector(column_sums(slice(&d_query), h)));
        let mut d_bk = column_sums(slice(&d_key_value), 2 * h);
        let d_bv = d_bk.split_off(h);
        register(grads, bk, vector(d_bk));
        register(grads, bv, vector(d_bv));
        let back = |grad: &FlexTensor, weight: FlexTensor, length: usize| {
            let found = Flex::float_matmul(grad.clone(), weight.transpose(0, 1));
            found.reshape(Shape::new([b, length, h]))
        };
        register(grads, rows, back(&d_query, state.query_weight, q));
        register(grads, hidden, back(&d_key_value, state.key_value_weight, t));
        let weight = |inputs: FlexTensor, grad| Flex::float_matmul(inputs.transpose(0, 1), grad);
        register(grads, wq, weight(state.rows, d_query));
        let (d_wk, d_wv) = apart(slice(&weight(state.hidden, d_key_value)), h);
        register(grads, wk, d_wk);
        register(grads, wv, d_wv);
    }
}

impl State {
    fn forward(mut self, bq: &[f32], bk: &[f32], bv: &[f32]) -> (Vec<f32>, Self) {
        let h = self.dims.h;
        let mut query = Flex::float_matmul(self.rows.clone(), self.query_weight.clone());
        add_bias(query.storage_mut(), bq, self.dims.scale());
        let mut key_value = Flex::float_matmul(self.hidden.clone(), self.key_value_weight.clone());
        add_bias(key_value.storage_mut(), &[bk, bv].concat(), 1.0);
        self.query = query;
        self.key_value = key_value;
        let Dims { b, q, heads, .. } = self.dims;
        let mut output = vec![0.0; b * q * h];
        let mut log_sums = vec![0.0; b * heads * q];
        output
            .par_chunks_mut(q * h)
            .zip(log_sums.par_chunks_mut(heads * q))
            .enumerate()
            .for_each(|(i, (output, log_sums))| {
                for group in self.dims.groups() {
                    let mut scores = self.scores(i, group);
                    let log_sums = &mut log_sums[group.first * q..][..group.len * q];
                    Instructions::best().dispatch(Softmax {
                        scores: scores.storage_mut(),
                        log_sums,
                        rows: self.score_rows(i, group),
                    });
                    let context = Flex::float_matmul(scores, self.value(i, group));
                    self.dims.gather(slice(&context), output, h, group);
                }
            });
        self.log_sums = log_sums;
        (output, self)
    }

    /// The gradients of queries (before they are scaled), `[b · q, h]`, and of keys and values,
    /// `[b · t, 2h]`.
    fn backward(&self, grad: &FlexTensor) -> (FlexTensor, FlexTensor) {
        let Dims { b, q, t, h, .. } = self.dims;
        let mut d_query = vec![0.0; b * q * h];
        let mut d_key_value = vec![0.0; b * t * 2 * h];
        d_query
            .par_chunks_mut(q * h)
            .zip(d_key_value.par_chunks_mut(t * 2 * h))
            .enumerate()
            .for_each(|(i, (d_query, d_key_value))| {
                for group in self.dims.groups() {
                    let found = self.backward_group(i, group, grad);
                    self.dims.gather(slice(&found.query), d_query, h, group);
                    self.dims
                        .gather(slice(&found.key), d_key_value, 2 * h, group);
                    self.dims
                        .gather(slice(&found.value), &mut d_key_value[h..], 2 * h, group);
                }
                let scale = self.dims.scale();
                d_query.iter_mut().for_each(|x| *x *= scale);
            });
        (matrix(d_query, h), matrix(d_key_value, 2 * h))
    }

    fn backward_group(&self, i: usize, group: Group, grad: &FlexTensor) -> GroupGradient {
        let Dims { q, h, .. } = self.dims;
        let grad = self.dims.view(grad, i, group, [q, h, 0]); // [heads, q, d]
        let value = self.value(i, group).transpose(1, 2); // [heads, d, t]
        let mut scores = self.scores(i, group); // [heads, q, t]
        let mut d_scores = Flex::float_matmul(grad.clone(), value); // [heads, q, t]
        let log_sums = &self.log_sums[(i * self.dims.heads + group.first) * q..][..group.len * q];
        Instructions::best().dispatch(SoftmaxBackward {
            scores: scores.storage_mut(),
            grads: d_scores.storage_mut(),
            log_sums,
            rows: self.score_rows(i, group),
        });
        let query = self.dims.view(&self.query, i, group, [q, h, 0]); // [heads, q, d]
        GroupGradient {
            value: Flex::float_matmul(scores.transpose(1, 2), grad), // [heads, t, d]
            key: Flex::float_matmul(d_scores.transpose(1, 2), query), // [heads, t, d]
            query: Flex::float_matmul(d_scores, self.key(i, group)), // [heads, q, d]
        }
    }

    fn score_rows(&self, i: usize, group: Group) -> ScoreRows<'_> {
        let Dims { q, t, heads, .. } = self.dims;
        ScoreRows {
            length: t,
            bias: self.bias.as_ref().map(|bias| &slice(bias)[i * t..][..t]),
            mask: self.mask,
            first: ((i * heads + group.first) * q * t) as u32,
        }
    }

    /// Scores without the bias, `[heads, q, t]`.
    fn scores(&self, i: usize, group: Group) -> FlexTensor {
        let Dims { q, h, .. } = self.dims;
        let query = self.dims.view(&self.query, i, group, [q, h, 0]);
        Flex::float_matmul(query, self.key(i, group).transpose(1, 2))
    }

    /// `[heads, t, d]`
    fn key(&self, i: usize, group: Group) -> FlexTensor {
        let Dims { t, h, .. } = self.dims;
        self.dims.view(&self.key_value, i, group, [t, 2 * h, 0])
    }

    /// `[heads, t, d]`
    fn value(&self, i: usize, group: Group) -> FlexTensor {
        let Dims { t, h, .. } = self.dims;
        self.dims.view(&self.key_value, i, group, [t, 2 * h, h])
    }
}

/// `[heads, q, d]`, `[heads, t, d]`, `[heads, t, d]`
struct GroupGradient {
    query: FlexTensor,
    key: FlexTensor,
    value: FlexTensor,
}

/// `[b, length, h]` → `[b · length, h]`
fn flat(tensor: FlexTensor, h: usize) -> FlexTensor {
    let rows = tensor.layout().num_elements() / h;
    contiguous(tensor).reshape(Shape::new([rows, h]))
}
