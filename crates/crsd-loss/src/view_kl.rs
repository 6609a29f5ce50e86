//! Divergence between the two views' predictions.

use burn::tensor::Tensor;

use crate::logit_kd::kl_divergence;
use crate::{AlignInput, AlignLoss, Direction};

/// `KL(p_reasoned ‖ p_standard)`, per example, in nats: the standard view is to predict what the
/// reasoned one predicts. [`Direction::Symmetric`] takes the mean of both directions, as R-Drop
/// does between two dropout passes (arXiv 2106.14448, equation 2).
///
/// An ablation of the batch align (METHOD, grid cell g). Gradients reach both sides unless the
/// reasoned one is detached.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{AlignInput, AlignLoss, CrsdInput, Direction, ViewKl, label_tensor};
///
/// let device = Device::default();
/// let hidden = Tensor::<2>::zeros([1, 4], &device);
/// let input = AlignInput::from(CrsdInput {
///     standard_logits: Tensor::zeros([1, 2], &device), // softmax: 1/2, 1/2
///     reasoned_logits: Tensor::from_floats([[3f32.ln(), 0.0]], &device), // 3/4, 1/4
///     standard: hidden.clone(), reasoned: hidden,
///     labels: label_tensor(&[0], 2, &device)?, negatives: None,
/// });
/// let loss: f32 = ViewKl::new(Direction::StandardToReasoned).per_example(input).into_scalar();
/// assert!((loss - (0.75 * 1.5f32.ln() + 0.25 * 0.5f32.ln())).abs() < 1e-6);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ViewKl {
    direction: Direction,
}

impl ViewKl {
    /// One direction or the mean of both.
    pub fn new(direction: Direction) -> Self {
        Self { direction }
    }
}

impl AlignLoss for ViewKl {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        let (standard, reasoned) = (input.standard_logits, input.reasoned_logits);
        match self.direction {
            Direction::StandardToReasoned => kl_divergence(reasoned, standard, 1.0),
            Direction::Symmetric => {
                let forth = kl_divergence(reasoned.clone(), standard.clone(), 1.0);
                let back = kl_divergence(standard, reasoned, 1.0);
                (forth + back).mul_scalar(0.5)
            }
        }
    }
}
