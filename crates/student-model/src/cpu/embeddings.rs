//! The sum of word, position and segment embeddings.

use super::instructions::Instructions;

use super::layer_norm::LayerNorm;
use super::sequences::Sequences;

/// Tables and norm; rows of the tables have `width` columns.
#[derive(Debug)]
pub(crate) struct Embeddings {
    pub(crate) words: Vec<f32>,
    pub(crate) positions: Vec<f32>,
    pub(crate) segments: Vec<f32>,
    pub(crate) norm: LayerNorm,
    pub(crate) width: usize,
    /// The position of a sequence's first token.
    pub(crate) first_position: usize,
}

impl Embeddings {
    /// Embeds the tokens from `first` on, as many as `out` has rows of `stride`; columns behind `width`
    /// become 0.
    pub(crate) fn embed(
        &self,
        simd: Instructions,
        sequences: &Sequences<'_>,
        first: usize,
        (out, stride): (&mut [f32], usize),
    ) {
        let row = |table, i| -> &[f32] { &<[f32]>::as_ref(table)[i * self.width..][..self.width] };
        let tokens = sequences.tokens(first..first + out.len() / stride);
        for (out, token) in out.chunks_exact_mut(stride).zip(tokens) {
            let word = row(&self.words, token.id as usize);
            let segment = row(&self.segments, token.segment as usize);
            let position = row(&self.positions, self.first_position + token.position);
            let (out, padding) = out.split_at_mut(self.width);
            let parts = word.iter().zip(segment).zip(position);
            for (to, ((word, segment), position)) in out.iter_mut().zip(parts) {
                *to = word + segment + position;
            }
            padding.fill(0.0);
        }
        self.norm.normalise(simd, out);
    }
}
