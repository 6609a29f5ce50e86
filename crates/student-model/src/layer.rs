//! One encoder layer, and the stack of them.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, relu};
#[cfg(all(feature = "train", feature = "flex"))]
use burn::tensor::module::linear;

use crate::HiddenAct;
use crate::attention::{AttentionBias, BertAttention, BertOutputProjection};
#[cfg(all(feature = "train", feature = "flex"))]
use crate::fused;
use crate::init::Fresh;

/// `encoder` of a BERT.
#[derive(Module, Debug)]
pub struct BertEncoder {
    /// The layers, first to last.
    pub layer: Vec<BertLayer>,
}

impl BertEncoder {
    pub(crate) fn new(fresh: &mut Fresh<'_>) -> Self {
        let layers = 0..fresh.config.num_hidden_layers;
        Self {
            layer: layers.map(|_| BertLayer::new(fresh)).collect(),
        }
    }

    /// All positions of the last layer, `[b, t, h]` → `[b, t, h]`.
    pub(crate) fn forward(&self, hidden: Tensor<3>, bias: &AttentionBias) -> Tensor<3> {
        self.layer.iter().fold(hidden, |hidden, layer| {
            layer.forward(hidden.clone(), hidden, bias)
        })
    }

    /// Position 0 of the last layer only, `[b, t, h]` → `[b, h]`.
    ///
    /// The same number as in [`forward`](Self::forward). A classifier reads nothing else, and the
    /// last layer's other positions cost most of that layer.
    pub(crate) fn forward_cls(&self, mut hidden: Tensor<3>, bias: &AttentionBias) -> Tensor<2> {
        let last = self.layer.len() - 1; // validated: there is at least one layer
        for (i, layer) in self.layer.iter().enumerate() {
            let rows = if i == last {
                hidden.clone().narrow(1, 0, 1)
            } else {
                hidden.clone()
            };
            hidden = layer.forward(rows, hidden, bias);
        }
        hidden.squeeze_dim::<2>(1) // [b, 1, h] -> [b, h]
    }
}

/// One layer: attention, then a feed-forward network, each with a residual and a norm.
#[derive(Module, Debug)]
pub struct BertLayer {
    /// Self-attention.
    pub attention: BertAttention,
    /// The widening half of the feed-forward network.
    pub intermediate: BertIntermediate,
    /// The narrowing half.
    pub output: BertOutputProjection,
}

impl BertLayer {
    fn new(fresh: &mut Fresh<'_>) -> Self {
        let inner = fresh.config.intermediate_size;
        Self {
            attention: BertAttention::new(fresh),
            intermediate: BertIntermediate::new(fresh),
            output: BertOutputProjection::new(fresh, inner),
        }
    }

    fn forward(&self, rows: Tensor<3>, hidden: Tensor<3>, bias: &AttentionBias) -> Tensor<3> {
        let attended = self.attention.forward(rows, hidden, bias);
        let widened = self.intermediate.forward(attended.clone());
        self.output.forward(widened, attended)
    }
}

/// A projection to the inner width and the activation.
#[derive(Module, Debug)]
pub struct BertIntermediate {
    /// `[h, intermediate_size]` and `[intermediate_size]`.
    pub dense: Linear,
    #[module(skip)]
    activation: HiddenAct,
}

impl BertIntermediate {
    fn new(fresh: &mut Fresh<'_>) -> Self {
        let config = fresh.config;
        Self {
            dense: fresh.linear(config.hidden_size, config.intermediate_size),
            activation: config.hidden_act,
        }
    }

    fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        #[cfg(all(feature = "train", feature = "flex"))]
        if let (HiddenAct::Gelu, Some(bias)) = (self.activation, &self.dense.bias)
            && fused::applies_to(&hidden)
        {
            let widened = linear(hidden, self.dense.weight.val(), None);
            return fused::bias_gelu(widened, bias.val());
        }
        let widened = self.dense.forward(hidden);
        match self.activation {
            HiddenAct::Gelu => gelu(widened),
            HiddenAct::Relu => relu(widened),
            HiddenAct::GeluNew => gelu_new(widened),
        }
    }
}

/// `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`
fn gelu_new(x: Tensor<3>) -> Tensor<3> {
    let cubed = x.clone() * x.clone() * x.clone();
    let inner = (x.clone() + cubed * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
    x * (inner.tanh() + 1.0) * 0.5
}
