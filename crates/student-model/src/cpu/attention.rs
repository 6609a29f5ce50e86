//! Attention of some rows of one sequence to all of it.

use pulp::{Simd, WithSimd};

use super::aligned::Aligned;
use super::exponential::exp;
use super::tile::{
    NARROW, Tile, WIDE, for_each_tile, multiply_tile, rows, tile_rows,
};

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
    /// The tile's row sums, inverted.
    shares: Vec<f32>,
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for head in 0..self.heads.count {
            self.pack::<S>(head);
            let count = self.out.len() / self.heads.columns;
            for_each_tile!(count, |first| attend::<S>(simd, &mut self, head, first));
        }
    }
}

impl Attend<'_> {
    /// Lays the keys and values of a head out for the kernel.
    #[inline(always)]
    fn pack<S: Simd>(&mut self, head: usize) {
        let Heads { width: d, columns, .. } = self.heads;
        let (wide, narrow) = (S::F32_LANES * WIDE, S::F32_LANES * NARROW);
        let padded = self.tokens.next_multiple_of(wide);
        let keys = self.scratch.keys.room(padded * d);
        let values = self.scratch.values.room(d.next_multiple_of(narrow) * self.tokens);
        let mut tokens = self.sequence.chunks_exact(3 * columns);
        for panel in keys.chunks_exact_mut(wide * d) {
            // A panel's columns behind the last token keep what they held: their scores are overwritten.
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
}

/// One head for `R` rows from `first`.
#[inline(always)]
fn attend<S: Simd, const R: usize>(simd: S, call: &mut Attend<'_>, head: usize, first: usize) {
    let Attend { heads, tokens, queries, query_stride, ref mut scratch, .. } = *call;
    let d = heads.width;
    let wide = S::F32_LANES * WIDE;
    let padded = tokens.next_multiple_of(wide);
    let AttentionScratch { keys, values, scores, shares } = &mut **scratch;
    let scores = scores.room(tile_rows::<S>() * padded);

    let queries = rows::<R>(&queries[head * d..], query_stride, first);
    for (i, panel) in keys.chunks_exact(wide * d).enumerate() {
        let (right, _) = S::as_simd_f32s(panel).0.as_chunks::<WIDE>();
        let zeros: Tile<S, R, WIDE> = [[simd.splat_f32s(0.0); WIDE]; R];
        let sums = multiply_tile(simd, queries, right, zeros);
        for (row, sums) in scores.chunks_exact_mut(padded).zip(&sums) {
            let (row, _) = S::as_mut_simd_f32s(&mut row[i * wide..][..wide]);
            row.copy_from_slice(sums);
        }
    }
    shares.clear();
    for row in scores.chunks_exact_mut(padded).take(R) {
        shares.push(1.0 / exponentiate(simd, row, tokens));
    }
    let narrow = S::F32_LANES * NARROW;
    let scores = rows::<R>(scores, padded, 0);
    let mut part = [0.0; 16 * NARROW]; // no vector is wider
    for (i, panel) in values.chunks_exact(narrow * tokens).enumerate() {
        let (right, _) = S::as_simd_f32s(panel).0.as_chunks::<NARROW>();
        let zeros: Tile<S, R, NARROW> = [[simd.splat_f32s(0.0); NARROW]; R];
        let sums = multiply_tile(simd, scores, right, zeros);
        let columns = i * narrow..d.min((i + 1) * narrow);
        for (r, (sums, &share)) in sums.iter().zip(&*shares).enumerate() {
            S::as_mut_simd_f32s(&mut part[..narrow]).0.copy_from_slice(sums);
            let row = &mut call.out[(first + r) * heads.columns + head * d..][columns.clone()];
            for (to, &x) in row.iter_mut().zip(&part) {
                *to = x * share;
            }
        }
    }
}

/// `e^(x - max)` of a row's first `tokens` numbers, in place; their sum.
#[inline(always)]
fn exponentiate<S: Simd>(simd: S, row: &mut [f32], tokens: usize) -> f32 {
    /// Far below any score, and finite: its power adds nothing to a sum that is at least 1.
    const NOTHING: f32 = -1e30;
    let end = tokens.next_multiple_of(S::F32_LANES);
    row[tokens..end].fill(NOTHING);
    let (row, _) = S::as_mut_simd_f32s(&mut row[..end]);
    let lowest = simd.splat_f32s(NOTHING);
    let max = row.iter().fold(lowest, |max, &x| simd.max_f32s(max, x));
    let max = simd.splat_f32s(simd.reduce_max_f32s(max));
    let mut sum = simd.splat_f32s(0.0);
    for x in row {
        *x = exp(simd, simd.sub_f32s(*x, max));
        sum = simd.add_f32s(sum, *x);
    }
    simd.reduce_sum_f32s(sum)
}
