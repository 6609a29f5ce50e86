//! The pairwise loss of reward models.

use burn::Tensor;
use burn::tensor::activation::log_sigmoid;

/// Bradley–Terry with a margin: `−log σ(R_w − R_l − m)` for each pair.
///
/// With `m = 0` it is the reward-model loss of InstructGPT (2203.02155, equation 1) and of TRL's
/// `RewardTrainer`; the margin is Llama 2's (2307.09288, equation 2).
///
/// Under the model the chosen reply is preferred with probability `σ(R_w − R_l)`; the loss is the
/// negative logarithm of it, with the odds against it by `e^m`. Its gradient is
/// `∂L/∂R_w = −σ(m − (R_w − R_l)) = −∂L/∂R_l`: a pair that is ahead by more than the margin moves little.
///
/// # Shapes
/// - `chosen`, `rejected`: `[b]`, rewards of any scale
/// - output: `[b]`
///
/// ```
/// use burn::{Tensor, tensor::Device};
///
/// let reward = |r: f32| Tensor::<1>::from_floats([r], &Device::flex());
/// let loss = reward_model::bradley_terry_loss(reward(1.5), reward(0.5), 1.0);
/// assert!((loss.into_scalar::<f32>() - std::f32::consts::LN_2).abs() < 1e-6);
/// ```
pub fn bradley_terry_loss(chosen: Tensor<1>, rejected: Tensor<1>, margin: f64) -> Tensor<1> {
    -log_sigmoid((chosen - rejected).sub_scalar(margin))
}
