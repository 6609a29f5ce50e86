//! Where the heads of a batch element lie in the projections' rows.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::Shape;

use super::super::primitive::matrix;

/// Heads that are worked on together: few enough that their scores stay in the second-level cache.
const HEADS_AT_ONCE: usize = 4;

/// Sizes of an attention: `b` batch elements, `q` rows that ask, `t` rows that are asked, all `h` wide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dims {
    pub(super) b: usize,
    pub(super) q: usize,
    pub(super) t: usize,
    pub(super) h: usize,
    pub(super) heads: usize,
}

/// Some neighbouring heads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) first: usize,
    pub(super) len: usize,
}

impl Dims {
    /// Width of a head.
    pub(super) fn d(self) -> usize {
        self.h / self.heads
    }

    /// `1 / √d`
    pub(super) fn scale(self) -> f32 {
        1.0 / (self.d() as f32).sqrt()
    }

    /// All heads, a few at a time.
    pub(super) fn groups(self) -> impl Iterator<Item = Group> {
        (0..self.heads)
            .step_by(HEADS_AT_ONCE)
            .map(move |first| Group {
                first,
                len: HEADS_AT_ONCE.min(self.heads - first),
            })
    }

    /// The heads of batch element `i` out of `[b · length, width]`, from `column` on: no copy,
    /// `[heads, length, d]`.
    pub(super) fn view(
        self,
        of: &FlexTensor,
        i: usize,
        group: Group,
        [length, width, column]: [usize; 3],
    ) -> FlexTensor {
        let d = self.d();
        let start = i * length * width + column + group.first * d;
        let strides = vec![d as isize, width as isize, 1];
        let shape = Shape::new([group.len, length, d]);
        of.clone().with_layout(Layout::new(shape, strides, start))
    }

    /// `[heads, length, d]` into the group's columns of `[length, width]`.
    pub(super) fn gather(self, heads: &[f32], into: &mut [f32], width: usize, group: Group) {
        let d = self.d();
        let length = heads.len() / (group.len * d);
        for (head, values) in heads.chunks_exact(length * d).enumerate() {
            let column = (group.first + head) * d;
            for (row, values) in into.chunks_mut(width).zip(values.chunks_exact(d)) {
                row[column..column + d].copy_from_slice(values);
            }
        }
    }
}

/// Two `[rows, h]` side by side, `[rows, 2h]`.
pub(super) fn beside(left: &[f32], right: &[f32], h: usize) -> FlexTensor {
    let mut both = Vec::with_capacity(left.len() + right.len());
    for (left, right) in left.chunks_exact(h).zip(right.chunks_exact(h)) {
        both.extend_from_slice(left);
        both.extend_from_slice(right);
    }
    matrix(both, 2 * h)
}

/// `[rows, 2h]` → two `[rows, h]`
pub(super) fn apart(both: &[f32], h: usize) -> (FlexTensor, FlexTensor) {
    let mut left = Vec::with_capacity(both.len() / 2);
    let mut right = Vec::with_capacity(both.len() / 2);
    for row in both.chunks_exact(2 * h) {
        left.extend_from_slice(&row[..h]);
        right.extend_from_slice(&row[h..]);
    }
    (matrix(left, h), matrix(right, h))
}
