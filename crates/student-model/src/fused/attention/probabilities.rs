//! Rows of scores to probabilities after dropout, and their gradients back.
//!
//! One row of scores `s`, `[t]`, with the mask's factors `m` (0, or `1 / (1 - p)`):
//!
//! - forward: `p = e^(s - ln Σ e^s)`, `d = m ∘ p`
//! - backward, from `g = ∂L/∂d`: `∂p_j/∂s_k = p_j (δ_jk - p_k)`, so that
//!   `∂L/∂s_k = Σ_j g_j m_j p_j (δ_jk - p_k) = p_k (m_k g_k - a)`, `a = Σ_j p_j m_j g_j`
//!
//! Of the forward pass only `ln Σ e^s` is kept, one number a row. With it the backward pass has `p` in
//! one pass over the scores, without looking for their largest and without dividing by a sum; `m` is
//! drawn again, since a mask is a function of the position.

use vector_math::pulp::{Simd, WithSimd};
use vector_math::{exponentiate, largest};

use super::super::dropout_mask::DropoutMask;
use super::super::sums::{accumulate, sum_of_pairs};

/// What is common to the rows of scores of some heads.
#[derive(Clone, Copy)]
pub(super) struct ScoreRows<'a> {
    /// `t`
    pub(super) length: usize,
    /// `[t]`, added to every row: far below zero where a token is padding.
    pub(super) bias: Option<&'a [f32]>,
    pub(super) mask: DropoutMask,
    /// Position of the first score among all, `[b, heads, q, t]`.
    pub(super) first: u32,
}

/// `scores ← m ∘ p`; leaves each row's `ln Σ e^s` in `log_sums`.
pub(super) struct Softmax<'a> {
    pub(super) scores: &'a mut [f32],
    pub(super) log_sums: &'a mut [f32],
    pub(super) rows: ScoreRows<'a>,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let ScoreRows {
            length,
            bias,
            mask,
            mut first,
        } = self.rows;
        for (scores, log_sum) in self.scores.chunks_exact_mut(length).zip(self.log_sums) {
            if let Some(bias) = bias {
                accumulate(scores, bias);
            }
            let most = largest(simd, scores);
            let sum = exponentiate(simd, scores, most);
            *log_sum = most + sum.ln();
            let share = 1.0 / sum;
            for (column, score) in (0u32..).zip(scores.iter_mut()) {
                *score *= mask.factor(first.wrapping_add(column)) * share;
            }
            first = first.wrapping_add(length as u32);
        }
    }
}

/// `scores ← m ∘ p`, from which the values' gradient follows, and `grads`: `g ← ∂L/∂s`.
pub(super) struct SoftmaxBackward<'a> {
    pub(super) scores: &'a mut [f32],
    pub(super) grads: &'a mut [f32],
    pub(super) log_sums: &'a [f32],
    pub(super) rows: ScoreRows<'a>,
}

impl WithSimd for SoftmaxBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let ScoreRows {
            length,
            bias,
            mask,
            mut first,
        } = self.rows;
        let mut factors = vec![0.0; length];
        let rows = self.scores.chunks_exact_mut(length);
        let rows = rows.zip(self.grads.chunks_exact_mut(length));
        for ((scores, grads), &log_sum) in rows.zip(self.log_sums) {
            if let Some(bias) = bias {
                accumulate(scores, bias);
            }
            exponentiate(simd, scores, log_sum); // p
            for (column, (factor, grad)) in (0u32..).zip(factors.iter_mut().zip(&mut *grads)) {
                *factor = mask.factor(first.wrapping_add(column)); // m
                *grad *= *factor; // m g
            }
            first = first.wrapping_add(length as u32);
            let along = sum_of_pairs(scores, grads, |p, g| p * g); // a
            for ((grad, score), factor) in grads.iter_mut().zip(scores).zip(&factors) {
                *grad = *score * (*grad - along); // p (m g - a)
                *score *= factor; // m p
            }
        }
    }
}
