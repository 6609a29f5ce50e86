//! What stands on the encoder: a dense layer, tanh, and the classes.

use vector_math::Instructions;

use super::activation::Activation;
use super::aligned::Aligned;
use super::packed_linear::{Finish, Multiply, PackedLinear};

/// `W tanh(P x + p) + w`: BERT's pooler and classifier, and RoBERTa's classifier.
#[derive(Debug)]
pub(crate) struct Classifier {
    pub(crate) dense: PackedLinear,
    pub(crate) output: PackedLinear,
    pub(crate) classes: usize,
}

impl Classifier {
    /// `[rows, h]` of the given stride → `[rows, classes]`, appended to `found`.
    pub(crate) fn logits(
        &self,
        simd: Instructions,
        cls: &[f32],
        stride: usize,
        found: &mut Vec<f32>,
    ) {
        let count = cls.len() / stride;
        let pooled = apply(simd, &self.dense, Activation::Tanh, count, (cls, stride));
        let columns = self.dense.columns();
        let logits = apply(
            simd,
            &self.output,
            Activation::Identity,
            count,
            (&pooled, columns),
        );
        for row in logits.chunks_exact(self.output.columns()) {
            found.extend_from_slice(&row[..self.classes]);
        }
    }
}

fn apply(
    simd: Instructions,
    linear: &PackedLinear,
    activation: Activation,
    count: usize,
    (rows, stride): (&[f32], usize),
) -> Aligned {
    let columns = linear.columns();
    let mut out = Aligned::zeros(count * columns);
    simd.dispatch(Multiply {
        linear,
        inputs: 0..linear.inputs(),
        columns: 0..columns,
        count,
        rows,
        stride,
        out: &mut out,
        out_stride: columns,
        finish: Finish::Activate(activation),
    });
    out
}
