//! What every preference loss takes and gives.

use burn::Tensor;

use crate::error::PreferenceError;

/// The log-probabilities that one model gives to the two replies of each pair.
///
/// # Shapes
/// All `[b]`, in the order of the pairs.
#[derive(Debug, Clone)]
pub struct PairLogProbs {
    /// Summed log-probability of the chosen reply given the prompt, in nats.
    pub chosen: Tensor<1>,
    /// Summed log-probability of the rejected reply given the prompt, in nats.
    pub rejected: Tensor<1>,
    /// Tokens of the chosen reply that are summed in `chosen`; at least 1.
    pub chosen_tokens: Tensor<1>,
    /// Tokens of the rejected reply that are summed in `rejected`; at least 1.
    pub rejected_tokens: Tensor<1>,
}

/// What a preference loss gives for each pair.
///
/// # Shapes
/// All `[b]`.
#[derive(Debug, Clone)]
pub struct PreferenceOutput {
    /// The loss, on the graph; the caller reduces.
    pub per_example: Tensor<1>,
    /// The implicit reward of the chosen reply, `β (logπ_w − logπref_w)` in DPO; off the graph.
    pub chosen_rewards: Tensor<1>,
    /// The implicit reward of the rejected reply; off the graph.
    pub rejected_rewards: Tensor<1>,
    /// The policy's summed log-probability of the chosen reply, in nats; off the graph.
    pub chosen_log_probs: Tensor<1>,
    /// The policy's summed log-probability of the rejected reply, in nats; off the graph.
    pub rejected_log_probs: Tensor<1>,
}

impl PreferenceOutput {
    /// The batch means that TRL logs, under TRL's names; each holds one element.
    ///
    /// `rewards/accuracies` is the fraction of pairs whose chosen reply has the higher implicit
    /// reward (0 for a tie), `rewards/margins` the mean difference of the two.
    pub fn metrics(&self) -> [(&'static str, Tensor<1>); 6] {
        let (chosen, rejected) = (&self.chosen_rewards, &self.rejected_rewards);
        let correct = chosen.clone().greater(rejected.clone()).float();
        let margins = chosen.clone() - rejected.clone();
        [
            ("rewards/chosen", chosen.clone().mean()),
            ("rewards/rejected", rejected.clone().mean()),
            ("rewards/accuracies", correct.mean()),
            ("rewards/margins", margins.mean()),
            ("logps/chosen", self.chosen_log_probs.clone().mean()),
            ("logps/rejected", self.rejected_log_probs.clone().mean()),
        ]
    }
}

/// A loss over pairs of replies. It sees numbers, not models; adding one is adding a file:
///
/// ```
/// use burn::{Tensor, tensor::Device};
/// use preference_opt::{PairLogProbs, PreferenceLoss, PreferenceOutput};
///
/// /// SLiC's hinge (2305.10425) on DPO's margin: `max(0, 1 − βΔ)`.
/// struct Hinge { beta: f64 }
///
/// impl PreferenceLoss for Hinge {
///     fn forward(&self, policy: PairLogProbs, reference: PairLogProbs) -> PreferenceOutput {
///         let chosen = (policy.chosen.clone() - reference.chosen).mul_scalar(self.beta); // [b]
///         let rejected = (policy.rejected.clone() - reference.rejected).mul_scalar(self.beta); // [b]
///         PreferenceOutput {
///             per_example: (chosen.clone() - rejected.clone()).neg().add_scalar(1.0).clamp_min(0.0),
///             chosen_rewards: chosen.detach(),
///             rejected_rewards: rejected.detach(),
///             chosen_log_probs: policy.chosen.detach(),
///             rejected_log_probs: policy.rejected.detach(),
///         }
///     }
/// }
///
/// let tensor = |value: f32| Tensor::<1>::from_floats([value], &Device::flex());
/// let log_probs = |chosen, rejected| PairLogProbs {
///     chosen: tensor(chosen), rejected: tensor(rejected),
///     chosen_tokens: tensor(5.0), rejected_tokens: tensor(5.0),
/// };
/// let output = Hinge { beta: 0.5 }.forward(log_probs(-7.0, -9.0), log_probs(-8.0, -8.0));
/// assert_eq!(output.per_example.into_scalar::<f32>(), 0.0); // Δ = 2
/// ```
pub trait PreferenceLoss {
    /// The loss of each pair.
    ///
    /// `policy` is on the graph, `reference` is not.
    ///
    /// # Panics
    /// If the tensors differ in length.
    fn forward(&self, policy: PairLogProbs, reference: PairLogProbs) -> PreferenceOutput;

    /// Checks the loss's own parameters; called once, before training.
    ///
    /// # Errors
    /// [`PreferenceError::InvalidConfig`] names the parameter that is out of range.
    fn validate(&self) -> Result<(), PreferenceError> {
        Ok(())
    }

    /// The loss's name and parameters as JSON: kept in checkpoints, so that a run is not resumed
    /// with another loss. Default: nothing to compare.
    fn config(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
