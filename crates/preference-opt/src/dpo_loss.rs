//! Direct preference optimisation.

use burn::Tensor;
use burn::tensor::activation::log_sigmoid;
use serde::{Deserialize, Serialize};

use crate::error::{PreferenceError, check};
use crate::preference_loss::{PairLogProbs, PreferenceLoss, PreferenceOutput};

/// The DPO loss (Rafailov et al., 2305.18290, equation 7), TRL's `loss_type="sigmoid"`:
///
/// `−log σ(β [(logπ_w − logπref_w) − (logπ_l − logπref_l)])`
///
/// With `label_smoothing` ε it is the conservative DPO of the same authors' note (labels flipped
/// with probability ε): `−(1−ε) log σ(βΔ) − ε log σ(−βΔ)`, Δ being the bracket above.
///
/// With `nll_weight` α the negative log-likelihood of the chosen reply, a token, is added:
/// `− α logπ_w / |y_w|` (2404.19733, equation 1, normalised by the reply alone), which keeps the
/// chosen reply's probability from falling together with the rejected one's. The term is ours: TRL
/// 1.16 has the like as `loss_type=["sigmoid", "sft"]` with `loss_weights=[1, α]`, which averages over
/// the tokens of a batch where this averages over each reply.
///
/// The gradient says what it does: `∂L/∂logπ_w = −β σ(−βΔ)` and `∂L/∂logπ_l = β σ(−βΔ)` (ε = α = 0):
/// a pair that is ordered with confidence (`βΔ ≫ 0`) moves nothing.
///
/// ```
/// use burn::{Tensor, tensor::Device};
/// use preference_opt::{DpoLoss, PairLogProbs, PreferenceLoss};
///
/// let device = Device::flex();
/// let log_probs = |chosen: f32, rejected: f32| PairLogProbs {
///     chosen: Tensor::from_floats([chosen], &device),
///     rejected: Tensor::from_floats([rejected], &device),
///     chosen_tokens: Tensor::from_floats([5.0], &device),
///     rejected_tokens: Tensor::from_floats([5.0], &device),
/// };
/// let untrained = DpoLoss::default().forward(log_probs(-8.0, -9.0), log_probs(-8.0, -9.0));
/// let loss: f32 = untrained.per_example.into_scalar();
/// assert!((loss - std::f32::consts::LN_2).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DpoLoss {
    /// β: how strongly the policy is held to the reference; above 0. Default 0.1.
    pub beta: f64,
    /// ε: probability that a preference is the wrong way round; in [0, 0.5). Default 0.
    pub label_smoothing: f64,
    /// α: weight of the chosen reply's negative log-likelihood a token; at least 0. Default 0.
    pub nll_weight: f64,
}

impl Default for DpoLoss {
    fn default() -> Self {
        Self {
            beta: 0.1,
            label_smoothing: 0.0,
            nll_weight: 0.0,
        }
    }
}

impl PreferenceLoss for DpoLoss {
    fn forward(&self, policy: PairLogProbs, reference: PairLogProbs) -> PreferenceOutput {
        let chosen_ratio = policy.chosen.clone() - reference.chosen; // [b]
        let rejected_ratio = policy.rejected.clone() - reference.rejected; // [b]
        let delta = (chosen_ratio.clone() - rejected_ratio.clone()).mul_scalar(self.beta); // [b]
        let loss = self.sigmoid_loss(delta); // [b]
        let per_example = if self.nll_weight > 0.0 {
            let per_token = policy.chosen.clone() / policy.chosen_tokens; // [b]
            loss - per_token.mul_scalar(self.nll_weight)
        } else {
            loss
        };
        PreferenceOutput {
            per_example,
            chosen_rewards: chosen_ratio.detach().mul_scalar(self.beta),
            rejected_rewards: rejected_ratio.detach().mul_scalar(self.beta),
            chosen_log_probs: policy.chosen.detach(),
            rejected_log_probs: policy.rejected.detach(),
        }
    }

    fn validate(&self) -> Result<(), PreferenceError> {
        let finite = |v: f64| v.is_finite();
        check("beta", self.beta, |v| finite(v) && v > 0.0, "above 0")?;
        let smoothing = |v: f64| (0.0..0.5).contains(&v);
        check(
            "label_smoothing",
            self.label_smoothing,
            smoothing,
            "in [0, 0.5)",
        )?;
        let at_least_0 = |v: f64| finite(v) && v >= 0.0;
        check("nll_weight", self.nll_weight, at_least_0, "at least 0")
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({
            "name": "dpo",
            "beta": self.beta,
            "label_smoothing": self.label_smoothing,
            "nll_weight": self.nll_weight,
        })
    }
}

impl DpoLoss {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_beta: beta = f64;
        with_label_smoothing: label_smoothing = f64;
        with_nll_weight: nll_weight = f64;
    }

    fn sigmoid_loss(&self, delta: Tensor<1>) -> Tensor<1> {
        let right = log_sigmoid(delta.clone());
        if self.label_smoothing == 0.0 {
            return -right;
        }
        let wrong = log_sigmoid(-delta);
        -right.mul_scalar(1.0 - self.label_smoothing) - wrong.mul_scalar(self.label_smoothing)
    }
}
