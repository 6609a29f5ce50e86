//! A linear layer whose weight lies in the order in which the kernel reads it.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::instructions::Instructions;

use super::activation::Activation;
use super::aligned::Aligned;
use super::tile::{Product, WIDE, tile_rows};

/// A weight and its bias as a model has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a> {
    /// `[inputs, outputs]`, row by row.
    pub(crate) weight: &'a [f32],
    /// `[outputs]`.
    pub(crate) bias: &'a [f32],
    /// Both are multiplied by it.
    pub(crate) scale: f32,
}

/// `x W + b`, with `W` cut into panels of columns, each panel contiguous, `[inputs, width]`.
///
/// Several weights may stand side by side; each begins a new panel. Columns that fill up a panel are zero.
#[derive(Debug)]
pub(crate) struct PackedLinear {
    inputs: usize,
    /// Columns of a panel.
    width: usize,
    panels: Aligned,
    /// Padded as the columns are.
    bias: Aligned,
}

impl PackedLinear {
    pub(crate) fn new(simd: Instructions, inputs: usize, parts: &[Weights<'_>]) -> Self {
        let width = panel_width(simd);
        let columns = |part: &Weights<'_>| part.bias.len().next_multiple_of(width);
        let total = parts.iter().map(columns).sum();
        let (mut panels, mut bias) = (Aligned::zeros(total * inputs), Aligned::zeros(total));
        let mut begin = 0;
        for part in parts {
            let outputs = part.bias.len();
            for (to, from) in bias[begin..].iter_mut().zip(part.bias) {
                *to = from * part.scale;
            }
            for first in (0..outputs).step_by(width) {
                let columns = first..outputs.min(first + width);
                let panel = &mut panels[(begin + first) * inputs..][..width * inputs];
                for (k, row) in panel.chunks_exact_mut(width).enumerate() {
                    let from = &part.weight[k * outputs..][columns.clone()];
                    for (to, from) in row.iter_mut().zip(from) {
                        *to = from * part.scale;
                    }
                }
            }
            begin += columns(part);
        }
        Self {
            inputs,
            width,
            panels,
            bias,
        }
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Columns of the output, those that fill up panels included.
    pub(crate) fn columns(&self) -> usize {
        self.bias.len()
    }

    /// Columns of a panel.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The bias, padded to [`columns`](Self::columns).
    pub(crate) fn bias(&self) -> &[f32] {
        &self.bias
    }
}

/// Columns of a panel on this processor.
pub(crate) fn panel_width(simd: Instructions) -> usize {
    struct Width;
    impl WithSimd for Width {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES * WIDE
        }
    }
    simd.dispatch(Width)
}

/// What becomes of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// They replace the output.
    Store,
    /// They are added to the output: inputs may be taken in portions.
    Accumulate,
    /// The bias is added, then the function applied.
    Activate(Activation),
}

/// A product of rows with some columns of a [`PackedLinear`].
#[derive(Debug)]
pub(crate) struct Multiply<'a> {
    pub(crate) linear: &'a PackedLinear,
    /// Which of the layer's inputs the rows hold.
    pub(crate) inputs: Range<usize>,
    /// Which columns; whole panels.
    pub(crate) columns: Range<usize>,
    /// How many rows.
    pub(crate) count: usize,
    /// `[count, inputs]`
    pub(crate) rows: &'a [f32],
    /// Numbers from one row to the next.
    pub(crate) stride: usize,
    /// `[count, columns]`, the first of `columns` in the first place.
    pub(crate) out: &'a mut [f32],
    pub(crate) out_stride: usize,
    pub(crate) finish: Finish,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = S::F32_LANES * WIDE;
        let tile = tile_rows::<S>();
        let Multiply { linear, .. } = self;
        for (i, column) in self.columns.step_by(width).enumerate() {
            let panel = &linear.panels[column * linear.inputs..][..width * linear.inputs];
            let right = &panel[self.inputs.start * width..self.inputs.end * width];
            let bias = &linear.bias[column..column + width];
            for first in (0..self.count).step_by(tile) {
                let count = tile.min(self.count - first);
                let out = &mut self.out[first * self.out_stride + i * width..];
                let product = Product::<WIDE> {
                    count,
                    left: &self.rows[first * self.stride..],
                    left_stride: self.stride,
                    right,
                    out: &mut *out,
                    out_stride: self.out_stride,
                    accumulate: self.finish == Finish::Accumulate,
                };
                product.compute(simd);
                if let Finish::Activate(activation) = self.finish {
                    // While the tile is in the first-level cache.
                    let rows = out.chunks_mut(self.out_stride).take(count);
                    rows.for_each(|row| activate(simd, &mut row[..width], bias, activation));
                }
            }
        }
    }
}

#[inline(always)]
fn activate<S: Simd>(simd: S, row: &mut [f32], bias: &[f32], activation: Activation) {
    let row = S::as_mut_simd_f32s(row).0;
    for (x, &b) in row.iter_mut().zip(S::as_simd_f32s(bias).0) {
        *x = activation.apply(simd, simd.add_f32s(*x, b));
    }
}
