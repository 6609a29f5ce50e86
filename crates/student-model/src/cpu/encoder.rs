//! The layers, for a batch of sequences.

use std::ops::Range;

use rayon::prelude::*;
use vector_math::Instructions;

use super::aligned::Aligned;
use super::attention::Heads;
use super::embeddings::Embeddings;
use super::layer::{Layer, Queries, Scratch};
use super::pool::Pool;
use super::sequences::Sequences;

/// Most rows of a block: what a block works on, about 5 `h` numbers a row, fits the second-level cache.
const BLOCK_ROWS: usize = 128;

/// Embeddings and layers.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub(crate) simd: Instructions,
    pub(crate) embeddings: Embeddings,
    /// At least one.
    pub(crate) layers: Vec<Layer>,
    pub(crate) heads: Heads,
    pub(crate) batches: Pool<Batch>,
    pub(crate) scratches: Pool<Scratch>,
}

/// What threads share: the rows of all sequences.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// `[rows, h]`
    hidden: Aligned,
    /// `[rows, 3h]`: what a layer's attention reads.
    projected: Aligned,
    /// `[rows, 3h]`: what it writes for the next layer's.
    next: Aligned,
}

impl Encoder {
    /// Columns of a row of the hidden states; those behind `h` are 0.
    pub(crate) fn stride(&self) -> usize {
        self.heads.columns
    }

    /// The last layer at each sequence's first token, `[sequences, h]`.
    ///
    /// The rows of all sequences are cut into blocks. A block goes through a whole layer, and the next
    /// layer's projections, in one thread's cache: threads meet once a layer. Of the last layer only
    /// the keys and values of all rows are needed, and the rest at the first tokens.
    pub(crate) fn first_tokens(&self, sequences: &Sequences<'_>, out: &mut Aligned) {
        self.batches.with(|batch| self.run(sequences, batch, out));
    }

    fn run(&self, sequences: &Sequences<'_>, batch: &mut Batch, out: &mut Aligned) {
        let stride = self.stride();
        let rows = sequences.rows();
        batch.hidden.room(rows * stride);
        batch.projected.room(rows * 3 * stride);
        batch.next.room(rows * 3 * stride);
        self.begin(sequences, batch);
        for layer in 0..self.layers.len() - 1 {
            self.layer(layer, sequences, batch);
            std::mem::swap(&mut batch.projected, &mut batch.next);
        }
        self.last(sequences, batch, out);
    }

    /// Embeds, and projects for the first layer.
    fn begin(&self, sequences: &Sequences<'_>, batch: &mut Batch) {
        let stride = self.stride();
        let Batch {
            hidden, projected, ..
        } = batch;
        self.in_blocks(
            sequences.rows(),
            hidden,
            projected,
            |rows, hidden, out, _| {
                self.embeddings
                    .embed(self.simd, sequences, rows.start, (hidden, stride));
                self.project(0, hidden, out);
            },
        );
    }

    /// A layer but the last.
    fn layer(&self, index: usize, sequences: &Sequences<'_>, batch: &mut Batch) {
        let stride = self.stride();
        let Batch {
            hidden,
            projected,
            next,
        } = batch;
        let projected = &**projected;
        self.in_blocks(
            sequences.rows(),
            hidden,
            next,
            |rows, hidden, out, scratch| {
                scratch.context.room(hidden.len());
                let queries = &projected[rows.start * 3 * stride..];
                for i in sequences.within(rows.clone()) {
                    let range = sequences.range(i);
                    let sequence = &projected[range.start * 3 * stride..range.end * 3 * stride];
                    let within = range.start.max(rows.start)..range.end.min(rows.end);
                    let queries = Queries {
                        rows: queries,
                        stride: 3 * stride,
                        range: within.start - rows.start..within.end - rows.start,
                    };
                    scratch.attend(self.simd, self.heads, sequence, &queries);
                }
                self.layers[index].finish(self.simd, hidden, scratch);
                self.project(index + 1, hidden, out);
            },
        );
    }

    /// The last layer, where only first tokens ask.
    fn last(&self, sequences: &Sequences<'_>, batch: &mut Batch, out: &mut Aligned) {
        let stride = self.stride();
        let layer = &self.layers[self.layers.len() - 1];
        let (hidden, projected) = (&batch.hidden, &batch.projected);
        let out = out.room(sequences.len() * stride);
        // The output is one matrix; the blocks' second one has no columns to write.
        self.in_blocks(sequences.len(), out, &mut [], |block, out, _, scratch| {
            for (row, i) in out.chunks_exact_mut(stride).zip(block.clone()) {
                let first = sequences.range(i).start * stride;
                row.copy_from_slice(&hidden[first..first + stride]);
            }
            let mut queries = std::mem::take(&mut scratch.queries);
            let rows = queries.room(out.len());
            layer.project(self.simd, out, 0..stride, (rows, stride));
            scratch.context.room(out.len());
            for (row, i) in block.enumerate() {
                let range = sequences.range(i);
                let sequence = &projected[range.start * 3 * stride..range.end * 3 * stride];
                let queries = Queries {
                    rows,
                    stride,
                    range: row..row + 1,
                };
                scratch.attend(self.simd, self.heads, sequence, &queries);
            }
            scratch.queries = queries;
            layer.finish(self.simd, out, scratch);
        });
    }

    /// A layer's projections of a block; of the last layer no queries, which are made where they are
    /// needed.
    fn project(&self, layer: usize, hidden: &[f32], out: &mut [f32]) {
        let stride = self.stride();
        let first = if layer + 1 == self.layers.len() {
            stride
        } else {
            0
        };
        self.layers[layer].project(self.simd, hidden, first..3 * stride, (out, 3 * stride));
    }

    /// Calls `work` for blocks of rows, with their part of `hidden` (`[rows, h]`) and of `out`
    /// (`[rows, 3h]`, or nothing), in as many threads as rayon has.
    fn in_blocks(
        &self,
        rows: usize,
        hidden: &mut [f32],
        out: &mut [f32],
        work: impl Fn(Range<usize>, &mut [f32], &mut [f32], &mut Scratch) + Sync,
    ) {
        let stride = self.stride();
        let height = block_height(rows, rayon::current_num_threads());
        let block = |(i, hidden): (usize, &mut [f32]), out: &mut [f32]| {
            let first = i * height;
            let rows = first..first + hidden.len() / stride;
            self.scratches
                .with(|scratch| work(rows, hidden, out, scratch));
        };
        if height >= rows {
            return block((0, hidden), out);
        }
        let hidden = hidden.par_chunks_mut(height * stride).enumerate();
        if out.is_empty() {
            hidden
                .with_max_len(1)
                .for_each(|hidden| block(hidden, &mut []));
        } else {
            let out = out.par_chunks_mut(height * 3 * stride);
            let both = hidden.zip(out).with_max_len(1);
            both.for_each(|(hidden, out)| block(hidden, out));
        }
    }
}

/// Rows of a block: as many blocks for one thread as for another, none taller than [`BLOCK_ROWS`], and
/// of whole tiles.
fn block_height(rows: usize, threads: usize) -> usize {
    let rounds = rows.div_ceil(threads * BLOCK_ROWS).max(1);
    rows.div_ceil(threads * rounds).next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::block_height;

    #[test]
    fn blocks_share_the_work_out() {
        assert_eq!(block_height(1, 1), 8);
        assert_eq!(block_height(32, 2), 16);
        assert_eq!(block_height(2048, 2), 128);
        assert_eq!(block_height(2050, 2), 120);
        assert_eq!(block_height(300, 1), 104);
    }
}
