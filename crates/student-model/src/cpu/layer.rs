//! An encoder layer, for a block of rows.

use std::ops::Range;

use vector_math::Instructions;

use super::activation::Activation;
use super::aligned::Aligned;
use super::attention::{Attend, AttentionScratch, Heads};
use super::layer_norm::LayerNorm;
use super::packed_linear::{Finish, Multiply, PackedLinear};

/// The weights of a layer.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Queries, scaled by `1 / √d`, keys and values, side by side.
    pub(crate) projections: PackedLinear,
    pub(crate) attention_output: PackedLinear,
    pub(crate) attention_norm: LayerNorm,
    pub(crate) intermediate: PackedLinear,
    pub(crate) activation: Activation,
    pub(crate) output: PackedLinear,
    pub(crate) output_norm: LayerNorm,
}

/// What a block is computed in. One a thread at work; none is made anew for each layer or call.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(super) attention: AttentionScratch,
    /// Queries of the last layer, `[rows, h]`.
    pub(super) queries: Aligned,
    /// What attention gives, `[rows, h]`.
    pub(super) context: Aligned,
    /// A sub-layer's sums, `[rows, h]`.
    sums: Aligned,
    /// A portion of the feed-forward network's inner columns, `[rows, portion]`.
    inner: Aligned,
}

/// Queries of some rows that stand next to each other in one sequence.
#[derive(Debug)]
pub(crate) struct Queries<'a> {
    /// The queries of the block.
    pub(crate) rows: &'a [f32],
    pub(crate) stride: usize,
    /// Which of the block's rows.
    pub(crate) range: Range<usize>,
}

impl Scratch {
    /// Attention of `queries` to `sequence` (`[tokens, 3h]`), into their rows of the context.
    pub(crate) fn attend(
        &mut self,
        simd: Instructions,
        heads: Heads,
        sequence: &[f32],
        queries: &Queries<'_>,
    ) {
        let Range { start, end } = queries.range;
        simd.dispatch(Attend {
            heads,
            tokens: sequence.len() / (3 * heads.columns),
            sequence,
            queries: &queries.rows[start * queries.stride..],
            query_stride: queries.stride,
            out: &mut self.context[start * heads.columns..end * heads.columns],
            scratch: &mut self.attention,
        });
    }
}

impl Layer {
    /// All of the layer behind the attention, whose result is the scratch's context:
    /// `hidden ← norm(hidden + O context)`, then `hidden ← norm(hidden + FFN(hidden))`.
    ///
    /// # Shapes
    /// `[rows, h]`, padded as the context is.
    pub(crate) fn finish(&self, simd: Instructions, hidden: &mut [f32], scratch: &mut Scratch) {
        let stride = self.attention_output.columns();
        let Scratch {
            context,
            sums,
            inner,
            ..
        } = scratch;
        let count = hidden.len() / stride;
        let sums = sums.room(count * stride);
        simd.dispatch(Multiply {
            linear: &self.attention_output,
            inputs: 0..self.attention_output.inputs(),
            columns: 0..stride,
            count,
            rows: context,
            stride,
            out: sums,
            out_stride: stride,
            finish: Finish::Store,
        });
        let bias = self.attention_output.bias();
        self.attention_norm
            .add_and_normalise(simd, hidden, sums, bias);
        self.feed_forward(simd, hidden, sums, inner);
        let bias = self.output.bias();
        self.output_norm.add_and_normalise(simd, hidden, sums, bias);
    }

    /// `sums ← W_o f(W_i hidden)`, without the outer bias. The inner columns are made and used up in
    /// portions as wide as `hidden`, which stay in the second-level cache.
    fn feed_forward(
        &self,
        simd: Instructions,
        hidden: &[f32],
        sums: &mut [f32],
        inner: &mut Aligned,
    ) {
        let stride = self.output.columns();
        let count = hidden.len() / stride;
        let inner = inner.room(count * stride);
        let mut first = 0;
        while first < self.output.inputs() {
            // `stride` is whole panels, and so is every portion.
            let columns = first..self.intermediate.columns().min(first + stride);
            let inputs = first..self.output.inputs().min(first + stride);
            first = columns.end;
            simd.dispatch(Multiply {
                linear: &self.intermediate,
                inputs: 0..self.intermediate.inputs(),
                columns,
                count,
                rows: hidden,
                stride,
                out: inner,
                out_stride: stride,
                finish: Finish::Activate(self.activation),
            });
            simd.dispatch(Multiply {
                linear: &self.output,
                finish: if inputs.start == 0 {
                    Finish::Store
                } else {
                    Finish::Accumulate
                },
                inputs,
                columns: 0..stride,
                count,
                rows: inner,
                stride,
                out: sums,
                out_stride: stride,
            });
        }
    }

    /// Some of the projections of a block, `[rows, h]` → columns of `[rows, 3h]`.
    pub(crate) fn project(
        &self,
        simd: Instructions,
        hidden: &[f32],
        columns: Range<usize>,
        (out, out_stride): (&mut [f32], usize),
    ) {
        let stride = self.output.columns();
        simd.dispatch(Multiply {
            linear: &self.projections,
            inputs: 0..self.projections.inputs(),
            count: hidden.len() / stride,
            rows: hidden,
            stride,
            out: &mut out[columns.start..],
            columns,
            out_stride,
            finish: Finish::Activate(Activation::Identity),
        });
    }
}
