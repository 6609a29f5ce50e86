//! Attention of some rows of one sequence to all of it.

use std::ops::Range;

use vector_math::pulp::{Simd, WithSimd};
use vector_math::{exponentiate, largest};

use super::aligned::Aligned;
use super::tile::{MOST_ROWS, NARROW, Product, WIDE, tile_rows};

/// Where the projections stand in a row, and how heads divide them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// Attention heads.
    pub(crate) count: usize,
    /// Width `d` of a head.
    pub(crate) width: usize,
    /// Columns of each of queries, keys and values, padding included; also the stride of the output.
    pub(crate) columns: usize,
}

/// `softmax(Q Kᵀ) V` head by head; the scale `1 / √d` is in the queries already.
///
/// A sequence is attended to by itself alone, so there is nothing to mask.
#[derive(Debug)]
pub(crate) struct Attend<'a> {
    pub(crate) heads: Heads,
    /// Tokens of the sequence.
    pub(crate) tokens: usize,
    /// `[tokens, 3 columns]`: queries (not read), keys and values of each token.
    pub(crate) sequence: &'a [f32],
    /// `[count, query_stride]`: the queries of the rows wanted.
    pub(crate) queries: &'a [f32],
    pub(crate) query_stride: usize,
    /// `[count, columns]`
    pub(crate) out: &'a mut [f32],
    pub(crate) scratch: &'a mut AttentionScratch,
}

/// What a head's products are made in.
#[derive(Debug, Default)]
pub(crate) struct AttentionScratch {
    /// `Kᵀ` in panels of columns, `[panels, d, width]`.
    keys: Aligned,
    /// `V` in panels of columns, `[panels, tokens, width]`.
    values: Aligned,
    /// Scores of a tile's rows, `[rows of a tile, tokens padded to panels]`.
    scores: Aligned,
    /// Sums of values by the tile's rows, `[rows of a tile, d padded to panels]`.
    weighted: Aligned,
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.out.len() / self.heads.columns;
        for head in 0..self.heads.count {
            self.pack::<S>(head);
            for first in (0..rows).step_by(tile_rows::<S>()) {
                let count = tile_rows::<S>().min(rows - first);
                self.attend(simd, head, first..first + count);
            }
        }
    }
}

impl Attend<'_> {
    /// Lays the keys and values of a head out for the kernel.
    #[inline(always)]
    fn pack<S: Simd>(&mut self, head: usize) {
        let Heads {
            width: d, columns, ..
        } = self.heads;
        let (wide, narrow) = (S::F32_LANES * WIDE, S::F32_LANES * NARROW);
        let padded = self.tokens.next_multiple_of(wide);
        let keys = self.scratch.keys.room(padded * d);
        let values = self
            .scratch
            .values
            .room(d.next_multiple_of(narrow) * self.tokens);
        let mut tokens = self.sequence.chunks_exact(3 * columns);
        for panel in keys.chunks_exact_mut(wide * d) {
            // A panel's columns behind the last token keep what they held: their scores are not read.
            for (column, token) in tokens.by_ref().take(wide).enumerate() {
                let key = &token[columns + head * d..][..d];
                for (to, &x) in panel[column..].iter_mut().step_by(wide).zip(key) {
                    *to = x;
                }
            }
        }
        for (token, row) in self.sequence.chunks_exact(3 * columns).enumerate() {
            let value = &row[2 * columns + head * d..][..d];
            for (panel, part) in value.chunks(narrow).enumerate() {
                let to = &mut values[(panel * self.tokens + token) * narrow..][..narrow];
                to[..part.len()].copy_from_slice(part);
                to[part.len()..].fill(0.0);
            }
        }
    }

    /// One head for the rows of a tile.
    #[inline(always)]
    fn attend<S: Simd>(&mut self, simd: S, head: usize, rows: Range<usize>) {
        let Heads {
            width: d, columns, ..
        } = self.heads;
        let AttentionScratch {
            keys,
            values,
            scores,
            weighted,
        } = &mut *self.scratch;
        let (wide, narrow) = (S::F32_LANES * WIDE, S::F32_LANES * NARROW);
        let padded = self.tokens.next_multiple_of(wide);
        let count = rows.len();
        let scores = scores.room(count * padded);
        for (i, right) in keys.chunks_exact(wide * d).enumerate() {
            let product = Product::<WIDE> {
                count,
                left: &self.queries[rows.start * self.query_stride + head * d..],
                left_stride: self.query_stride,
                right,
                out: &mut scores[i * wide..],
                out_stride: padded,
                accumulate: false,
            };
            product.compute(simd);
        }
        let weighted = weighted.room(count * d.next_multiple_of(narrow));
        let stride = d.next_multiple_of(narrow);
        let mut sums = [0.0; MOST_ROWS];
        for (row, sum) in scores.chunks_exact_mut(padded).zip(&mut sums) {
            // Columns behind the last token are not read again.
            let row = &mut row[..self.tokens];
            let most = largest(simd, row);
            *sum = exponentiate(simd, row, most);
        }
        for (i, right) in values.chunks_exact(narrow * self.tokens).enumerate() {
            let product = Product::<NARROW> {
                count,
                left: scores,
                left_stride: padded,
                right,
                out: &mut weighted[i * narrow..],
                out_stride: stride,
                accumulate: false,
            };
            product.compute(simd);
        }
        let weighted = weighted.chunks_exact(stride).zip(sums);
        for ((weighted, sum), row) in weighted.zip(rows) {
            let out = &mut self.out[row * columns + head * d..][..d];
            let share = 1.0 / sum;
            out.iter_mut()
                .zip(weighted)
                .for_each(|(to, &x)| *to = x * share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vector_math::Instructions;

    /// `[tokens, 3 columns]`, scores far enough apart to matter.
    fn sequence(tokens: usize, columns: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7919) % 1009) as f32 / 300.0 - 1.6;
        (0..tokens * 3 * columns).map(value).collect()
    }

    fn attended(
        simd: Instructions,
        heads: Heads,
        sequence: &[f32],
        rows: Range<usize>,
    ) -> Vec<f32> {
        let stride = 3 * heads.columns;
        let mut out = vec![f32::NAN; rows.len() * heads.columns];
        let mut scratch = AttentionScratch::default();
        scratch.keys.room(10_000).fill(f32::NAN); // what an earlier call left
        simd.dispatch(Attend {
            heads,
            tokens: sequence.len() / stride,
            sequence,
            queries: &sequence[rows.start * stride..],
            query_stride: stride,
            out: &mut out,
            scratch: &mut scratch,
        });
        out
    }

    /// In f64, one column of one row.
    fn exact(heads: Heads, sequence: &[f32], row: usize, column: usize) -> f64 {
        let Heads {
            width: d, columns, ..
        } = heads;
        let head = column / d;
        let at = |token: usize, part: usize, i: usize| {
            f64::from(sequence[token * 3 * columns + part * columns + i])
        };
        let tokens = sequence.len() / (3 * columns);
        let score = |token: usize| -> f64 {
            (head * d..(head + 1) * d)
                .map(|i| at(row, 0, i) * at(token, 1, i))
                .sum()
        };
        let max = (0..tokens).map(score).fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = (0..tokens).map(|t| (score(t) - max).exp()).collect();
        let values = weights
            .iter()
            .enumerate()
            .map(|(t, w)| w * at(t, 2, column));
        values.sum::<f64>() / weights.iter().sum::<f64>()
    }

    #[test]
    fn heads_attend_as_in_the_formula() {
        for simd in Instructions::available() {
            for (tokens, count, width) in
                [(1, 1, 1), (5, 2, 3), (17, 2, 32), (49, 1, 64), (100, 3, 20)]
            {
                let columns = usize::next_multiple_of(count * width, 48);
                let heads = Heads {
                    count,
                    width,
                    columns,
                };
                let sequence = sequence(tokens, columns);
                let found = attended(simd, heads, &sequence, 0..tokens);
                for row in 0..tokens {
                    for column in 0..count * width {
                        let exact = exact(heads, &sequence, row, column);
                        let error = (f64::from(found[row * columns + column]) - exact).abs();
                        assert!(error < 3e-5, "{simd:?} {heads:?} {row} {column}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn some_rows_get_the_bits_that_all_get() {
        let heads = Heads {
            count: 2,
            width: 8,
            columns: 48,
        };
        let sequence = sequence(21, 48);
        for simd in Instructions::available() {
            let all = attended(simd, heads, &sequence, 0..21);
            for rows in [0..1, 3..4, 5..21] {
                let some = attended(simd, heads, &sequence, rows.clone());
                for (i, row) in rows.enumerate() {
                    assert_eq!(
                        some[i * 48..][..16],
                        all[row * 48..][..16],
                        "{simd:?} {row}"
                    );
                }
            }
        }
    }
}
