//! A linear layer whose weight lies in the order in which the kernel reads it.

use std::ops::Range;

use vector_math::pulp::{Simd, WithSimd};
use vector_math::{Instructions, VectorFunction};

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
    /// `[panels, inputs, panel width]`
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [-1, 1) that look drawn.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    struct Case {
        rows: Vec<f32>,
        weight: Vec<f32>,
        bias: Vec<f32>,
        shape: [usize; 3],
    }

    impl Case {
        fn new(shape: [usize; 3]) -> Self {
            let [count, inputs, outputs] = shape;
            Self {
                rows: numbers(count * inputs, 1),
                weight: numbers(inputs * outputs, 2),
                bias: numbers(outputs, 3),
                shape,
            }
        }

        fn packed(&self, simd: Instructions) -> PackedLinear {
            let part = Weights {
                weight: &self.weight,
                bias: &self.bias,
                scale: 0.5,
            };
            let double = Weights { scale: 1.0, ..part };
            PackedLinear::new(simd, self.shape[1], &[part, double])
        }

        /// `scale (x W + b)` in f64.
        fn exact(&self, row: usize, column: usize, scale: f64) -> f64 {
            let [_, inputs, outputs] = self.shape;
            let products = (0..inputs).map(|k| {
                f64::from(self.rows[row * inputs + k])
                    * f64::from(self.weight[k * outputs + column])
            });
            scale * (products.sum::<f64>() + f64::from(self.bias[column]))
        }

        /// All columns of the rows from `first` on, in portions of `portion` inputs.
        fn multiply(
            &self,
            simd: Instructions,
            linear: &PackedLinear,
            first: usize,
            portion: usize,
        ) -> Vec<f32> {
            let [count, inputs, _] = self.shape;
            let columns = linear.columns();
            let mut out = vec![f32::NAN; (count - first) * columns];
            for start in (0..inputs).step_by(portion) {
                let inputs_taken = start..inputs.min(start + portion);
                simd.dispatch(Multiply {
                    linear,
                    count: count - first,
                    rows: &self.rows[first * inputs + start..],
                    stride: inputs,
                    columns: 0..columns,
                    out: &mut out,
                    out_stride: columns,
                    finish: match start {
                        _ if portion >= inputs => Finish::Activate(Activation::Identity),
                        0 => Finish::Store,
                        _ => Finish::Accumulate,
                    },
                    inputs: inputs_taken,
                });
            }
            if portion < inputs {
                for row in out.chunks_exact_mut(columns) {
                    row.iter_mut().zip(linear.bias()).for_each(|(x, b)| *x += b);
                }
            }
            out
        }
    }

    #[test]
    fn products_are_those_of_the_weights_side_by_side() {
        for simd in Instructions::available() {
            for shape in [[1, 1, 1], [3, 7, 5], [8, 40, 48], [21, 33, 97]] {
                let case = Case::new(shape);
                let linear = case.packed(simd);
                let [count, inputs, outputs] = shape;
                let half = linear.columns() / 2;
                for portion in [inputs, inputs.div_ceil(3)] {
                    let out = case.multiply(simd, &linear, 0, portion);
                    for (row, column) in (0..count).flat_map(|r| (0..outputs).map(move |c| (r, c)))
                    {
                        for (begin, scale) in [(0, 0.5), (half, 1.0)] {
                            let found = f64::from(out[row * linear.columns() + begin + column]);
                            let error = (found - case.exact(row, column, scale)).abs();
                            assert!(error < 1e-5, "{simd:?} {shape:?} {row} {column}: {error}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_gets_the_same_bits_in_every_tile() {
        let case = Case::new([19, 50, 60]);
        for simd in Instructions::available() {
            let linear = case.packed(simd);
            let all = case.multiply(simd, &linear, 0, 50);
            for first in 1..19 {
                let fewer = case.multiply(simd, &linear, first, 50);
                assert_eq!(fewer, all[first * linear.columns()..], "{simd:?} {first}");
            }
        }
    }

    #[test]
    fn what_fills_a_panel_up_is_zero() {
        let case = Case::new([2, 3, 5]);
        for simd in Instructions::available() {
            let linear = case.packed(simd);
            let out = case.multiply(simd, &linear, 0, 3);
            let half = linear.columns() / 2;
            assert!(out[5..half].iter().all(|&x| x == 0.0), "{simd:?} {out:?}");
        }
    }
}
