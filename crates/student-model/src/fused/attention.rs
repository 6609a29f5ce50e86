//! Multi-head attention with its three projections and dropout on the probabilities.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::ops::FloatTensorOps;
use burn::nn::{Dropout, Linear};
use burn::tensor::{Shape, Tensor};
use rayon::prelude::*;

use super::dropout_mask::DropoutMask;
use super::node::{Outcome, register};
use super::primitive::{constant, contiguous, matrix, slice, tensor, tracked, vector};
use super::vectors::{
    Loops, TASK_ROWS, accumulate, exp, max_of, sum_of, sum_of_pairs, total, widest,
};

/// Heads that are worked on together: few enough that their scores stay in the second-level cache.
const HEADS_AT_ONCE: usize = 4;

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

#[derive(Debug, Clone, Copy)]
struct Dims {
    b: usize,
    q: usize,
    t: usize,
    h: usize,
    heads: usize,
}

impl Dims {
    /// Width of a head.
    fn d(self) -> usize {
        self.h / self.heads
    }

    fn scale(self) -> f32 {
        1.0 / (self.d() as f32).sqrt()
    }
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
                for group in self.groups() {
                    let mut scores = self.scores(i, group);
                    let log_sums = &mut log_sums[group.first * q..][..group.len * q];
                    widest(Softmax {
                        scores: scores.storage_mut(),
                        log_sums,
                        rows: self.score_rows(i, group),
                    });
                    let context = Flex::float_matmul(scores, self.value(i, group));
                    self.gather_heads(slice(&context), output, h, group);
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
                for group in self.groups() {
                    let found = self.backward_group(i, group, grad);
                    self.gather_heads(slice(&found.query), d_query, h, group);
                    self.gather_heads(slice(&found.key), d_key_value, 2 * h, group);
                    self.gather_heads(slice(&found.value), &mut d_key_value[h..], 2 * h, group);
                }
                let scale = self.dims.scale();
                d_query.iter_mut().for_each(|x| *x *= scale);
            });
        (matrix(d_query, h), matrix(d_key_value, 2 * h))
    }

    fn backward_group(&self, i: usize, group: Group, grad: &FlexTensor) -> GroupGradient {
        let Dims { q, h, .. } = self.dims;
        let grad = self.view(grad, i, group, q, h, 0); // [heads, q, d]
        let value = self.value(i, group).transpose(1, 2); // [heads, d, t]
        let mut scores = self.scores(i, group); // [heads, q, t]
        let mut d_scores = Flex::float_matmul(grad.clone(), value); // [heads, q, t]
        let log_sums = &self.log_sums[(i * self.dims.heads + group.first) * q..][..group.len * q];
        widest(SoftmaxBackward {
            scores: scores.storage_mut(),
            d_scores: d_scores.storage_mut(),
            log_sums,
            rows: self.score_rows(i, group),
        });
        let query = self.view(&self.query, i, group, q, h, 0); // [heads, q, d]
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

    fn groups(&self) -> impl Iterator<Item = Group> + use<> {
        let heads = self.dims.heads;
        (0..heads).step_by(HEADS_AT_ONCE).map(move |first| Group {
            first,
            len: HEADS_AT_ONCE.min(heads - first),
        })
    }

    /// Scores without the bias, `[heads, q, t]`.
    fn scores(&self, i: usize, group: Group) -> FlexTensor {
        let Dims { q, h, .. } = self.dims;
        let query = self.view(&self.query, i, group, q, h, 0);
        Flex::float_matmul(query, self.key(i, group).transpose(1, 2))
    }

    /// `[heads, t, d]`
    fn key(&self, i: usize, group: Group) -> FlexTensor {
        let Dims { t, h, .. } = self.dims;
        self.view(&self.key_value, i, group, t, 2 * h, 0)
    }

    /// `[heads, t, d]`
    fn value(&self, i: usize, group: Group) -> FlexTensor {
        let Dims { t, h, .. } = self.dims;
        self.view(&self.key_value, i, group, t, 2 * h, h)
    }

    /// The heads of one batch element out of `[b · length, width]`, from `column` on: no copy,
    /// `[heads, length, d]`.
    fn view(
        &self,
        of: &FlexTensor,
        i: usize,
        group: Group,
        length: usize,
        width: usize,
        column: usize,
    ) -> FlexTensor {
        let d = self.dims.d();
        let start = i * length * width + column + group.first * d;
        let strides = vec![d as isize, width as isize, 1];
        let shape = Shape::new([group.len, length, d]);
        of.clone().with_layout(Layout::new(shape, strides, start))
    }

    /// `[heads, length, d]` into the group's columns of `[length, width]`.
    fn gather_heads(&self, heads: &[f32], into: &mut [f32], width: usize, group: Group) {
        let d = self.dims.d();
        let length = heads.len() / (group.len * d);
        for (head, values) in heads.chunks_exact(length * d).enumerate() {
            let column = (group.first + head) * d;
            for (row, values) in into.chunks_mut(width).zip(values.chunks_exact(d)) {
                row[column..column + d].copy_from_slice(values);
            }
        }
    }
}

/// What is common to the rows of scores of some heads.
struct ScoreRows<'a> {
    length: usize,
    bias: Option<&'a [f32]>,
    mask: DropoutMask,
    /// Position of the first score among all, `[b, heads, q, t]`.
    first: u32,
}

/// Turns scores into probabilities after dropout; leaves each row's `ln Σ exp`.
struct Softmax<'a> {
    scores: &'a mut [f32],
    log_sums: &'a mut [f32],
    rows: ScoreRows<'a>,
}

impl Loops for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let ScoreRows {
            length,
            bias,
            mask,
            mut first,
        } = self.rows;
        for (scores, log_sum) in self.scores.chunks_exact_mut(length).zip(self.log_sums) {
            if let Some(bias) = bias {
                accumulate(scores, bias);
            }
            let most = max_of(scores);
            for score in scores.iter_mut() {
                *score = exp(*score - most);
            }
            let sum = sum_of(scores, |x| x);
            *log_sum = most + sum.ln();
            let share = 1.0 / sum;
            for (column, score) in (0u32..).zip(scores.iter_mut()) {
                *score *= mask.factor(first.wrapping_add(column)) * share;
            }
            first = first.wrapping_add(length as u32);
        }
    }
}

/// Turns scores into probabilities after dropout, and the gradients of those into gradients of the
/// scores.
struct SoftmaxBackward<'a> {
    scores: &'a mut [f32],
    d_scores: &'a mut [f32],
    log_sums: &'a [f32],
    rows: ScoreRows<'a>,
}

impl Loops for SoftmaxBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let ScoreRows {
            length,
            bias,
            mask,
            mut first,
        } = self.rows;
        let mut probabilities = vec![0.0; length];
        let rows = self.scores.chunks_exact_mut(length);
        let rows = rows.zip(self.d_scores.chunks_exact_mut(length));
        for ((scores, grads), &log_sum) in rows.zip(self.log_sums) {
            if let Some(bias) = bias {
                accumulate(scores, bias);
            }
            for (probability, score) in probabilities.iter_mut().zip(&*scores) {
                *probability = exp(score - log_sum);
            }
            let kept = scores.iter_mut().zip(&probabilities);
            for (column, (score, probability)) in (0u32..).zip(kept) {
                *score = probability * mask.factor(first.wrapping_add(column));
            }
            first = first.wrapping_add(length as u32);
            let along = sum_of_pairs(scores, grads, |x, y| x * y);
            // dS = m P dP - P Σ m P dP, and m P stands in `scores`.
            let parts = grads.iter_mut().zip(&*scores).zip(&probabilities);
            for ((grad, dropped), probability) in parts {
                *grad = dropped * *grad - probability * along;
            }
        }
    }
}

/// Some neighbouring heads.
#[derive(Debug, Clone, Copy)]
struct Group {
    first: usize,
    len: usize,
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

/// Two `[rows, h]` side by side, `[rows, 2h]`.
fn beside(left: &[f32], right: &[f32], h: usize) -> FlexTensor {
    let mut both = Vec::with_capacity(left.len() + right.len());
    for (left, right) in left.chunks_exact(h).zip(right.chunks_exact(h)) {
        both.extend_from_slice(left);
        both.extend_from_slice(right);
    }
    matrix(both, 2 * h)
}

/// `[rows, 2h]` → two `[rows, h]`
fn apart(both: &[f32], h: usize) -> (FlexTensor, FlexTensor) {
    let mut left = Vec::with_capacity(both.len() / 2);
    let mut right = Vec::with_capacity(both.len() / 2);
    for row in both.chunks_exact(2 * h) {
        left.extend_from_slice(&row[..h]);
        right.extend_from_slice(&row[h..]);
    }
    (matrix(left, h), matrix(right, h))
}

/// `(x + bias) · scale`
fn add_bias(x: &mut [f32], bias: &[f32], scale: f32) {
    x.par_chunks_mut(TASK_ROWS * bias.len())
        .for_each(|x| widest(AddBias { x, bias, scale }));
}

struct AddBias<'a> {
    x: &'a mut [f32],
    bias: &'a [f32],
    scale: f32,
}

impl Loops for AddBias<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for row in self.x.chunks_exact_mut(self.bias.len()) {
            for (x, bias) in row.iter_mut().zip(self.bias) {
                *x = (*x + bias) * self.scale;
            }
        }
    }
}

fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let partial: Vec<Vec<f32>> = x
        .par_chunks(TASK_ROWS * width)
        .map(|x| widest(ColumnSums { x, width }))
        .collect();
    total(width, partial)
}

struct ColumnSums<'a> {
    x: &'a [f32],
    width: usize,
}

impl Loops for ColumnSums<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run(self) -> Vec<f32> {
        let mut sums = vec![0.0; self.width];
        for row in self.x.chunks_exact(self.width) {
            accumulate(&mut sums, row);
        }
        sums
    }
}
