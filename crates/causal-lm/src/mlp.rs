//! The gated MLP of a block.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::activation::silu;

/// SwiGLU (Shazeer, 2002.05202): `down(silu(gate(x)) * up(x))`.
#[derive(Module, Debug)]
pub(crate) struct SwiGlu {
    pub(crate) gate_proj: Linear,
    pub(crate) up_proj: Linear,
    pub(crate) down_proj: Linear,
}

impl SwiGlu {
    /// # Shapes
    /// - `x`: `[b, t, h]`, and the output
    pub(crate) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let gate = silu(self.gate_proj.forward(x.clone())); // [b, t, i]
        let up = self.up_proj.forward(x); // [b, t, i]
        self.down_proj.forward(gate * up)
    }
}
