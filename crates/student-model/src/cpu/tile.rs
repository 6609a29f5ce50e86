//! The micro-kernel: a tile of a matrix product, summed in registers.

use vector_math::pulp::{Simd, WithSimd};

/// Vectors that a tile is wide where the right matrix is a packed weight.
pub(super) const WIDE: usize = 3;

/// Vectors that a tile is wide where the right matrix is as narrow as a head.
pub(super) const NARROW: usize = 2;

/// Most rows of a tile on any processor.
pub(super) const MOST_ROWS: usize = 8;

/// Rows of a tile. Its sums, [`WIDE`] vectors a row, the row of the right matrix and one number of the
/// left must fit into the registers, and be enough to hide the latency of a multiply-add.
pub(super) const fn tile_rows<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 {
        MOST_ROWS
    } else {
        4
    }
}

/// `out ← left right`, or `out ← out + left right`, for as many rows as there are, `V` vectors wide.
///
/// Each number is summed in the order of `k`, whatever tile its row falls into: a row's result does not
/// depend on the rows beside it.
#[derive(Debug)]
pub(super) struct Product<'a, const V: usize> {
    /// How many rows.
    pub(super) count: usize,
    /// `[count, k]`
    pub(super) left: &'a [f32],
    /// Numbers from one row to the next.
    pub(super) left_stride: usize,
    /// `[k, V vectors]`, contiguous.
    pub(super) right: &'a [f32],
    /// `[count, V vectors]`
    pub(super) out: &'a mut [f32],
    pub(super) out_stride: usize,
    pub(super) accumulate: bool,
}

impl<const V: usize> Product<'_, V> {
    /// Tile by tile: full ones, then what is left.
    #[inline(always)]
    pub(super) fn compute<S: Simd>(self, simd: S) {
        let mut first = 0;
        while first < self.count {
            let height = (self.count - first).min(tile_rows::<S>());
            let (left, out) = (
                &self.left[first * self.left_stride..],
                &mut self.out[first * self.out_stride..],
            );
            macro_rules! tile {
                ($rows:literal) => {
                    simd.vectorize(Tile::<$rows, V> {
                        left,
                        left_stride: self.left_stride,
                        right: self.right,
                        out,
                        out_stride: self.out_stride,
                        accumulate: self.accumulate,
                    })
                };
            }
            match height {
                1 => tile!(1),
                2 => tile!(2),
                3 => tile!(3),
                4 => tile!(4),
                5 => tile!(5),
                6 => tile!(6),
                7 => tile!(7),
                _ => tile!(8),
            }
            first += height;
        }
    }
}

/// `R` rows of a [`Product`]; a function of its own, so that the compiler gives all registers to it.
struct Tile<'a, const R: usize, const V: usize> {
    left: &'a [f32],
    left_stride: usize,
    right: &'a [f32],
    out: &'a mut [f32],
    out_stride: usize,
    accumulate: bool,
}

impl<const R: usize, const V: usize> WithSimd for Tile<'_, R, V> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "iterators leave sums in memory")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let right = S::as_simd_f32s(self.right).0.as_chunks::<V>().0;
        let mut left = [self.left; R];
        for (i, row) in left.iter_mut().enumerate() {
            *row = &row[i * self.left_stride..][..right.len()]; // the one check of bounds
        }
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        for k in 0..right.len() {
            for i in 0..R {
                let x = simd.splat_f32s(left[i][k]);
                for j in 0..V {
                    sums[i][j] = simd.mul_add_e_f32s(x, right[k][j], sums[i][j]);
                }
            }
        }
        for i in 0..R {
            let row = &mut self.out[i * self.out_stride..][..V * S::F32_LANES];
            let row = S::as_mut_simd_f32s(row).0;
            for j in 0..V {
                row[j] = if self.accumulate {
                    simd.add_f32s(row[j], sums[i][j])
                } else {
                    sums[i][j]
                };
            }
        }
    }
}
