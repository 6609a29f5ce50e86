//! The sum of word, position and segment embeddings.

use vector_math::Instructions;

use super::layer_norm::LayerNorm;
use super::sequences::{Sequences, Token};

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
    /// RoBERTa's padding: it stands at the position of its own id, and is not counted, wherever it is.
    pub(crate) skipped_token: Option<u32>,
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
        // Where there is one segment, all tokens are of it.
        let last_segment = self.segments.len() / self.width - 1;
        let tokens = sequences.tokens(first..first + out.len() / stride);
        for (out, token) in out.chunks_exact_mut(stride).zip(tokens) {
            let word = row(&self.words, token.id as usize);
            let segment = row(&self.segments, (token.segment as usize).min(last_segment));
            let position = row(&self.positions, self.position(token));
            let (out, padding) = out.split_at_mut(self.width);
            let parts = word.iter().zip(segment).zip(position);
            for (to, ((word, segment), position)) in out.iter_mut().zip(parts) {
                *to = word + segment + position;
            }
            padding.fill(0.0);
        }
        self.norm.normalise(simd, out);
    }

    fn position(&self, token: Token<'_>) -> usize {
        match self.skipped_token {
            Some(skipped) if token.id == skipped => skipped as usize,
            Some(skipped) => {
                let counted = token.before.iter().filter(|&&id| id != skipped);
                self.first_position + counted.count()
            }
            None => self.first_position + token.before.len(),
        }
    }
}
