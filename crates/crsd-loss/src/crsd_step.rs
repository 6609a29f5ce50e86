//! What a training step adds to a batch.

use burn::tensor::Tensor;

use crate::{CrsdHeads, QueuedNegatives};

/// What a training step adds to a batch, for [`CrsdLoss::forward_with`](crate::CrsdLoss::forward_with).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{CrsdInput, CrsdLossConfig, CrsdStep, label_tensor};
///
/// let device = Device::default();
/// let view = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0]], &device);
/// let input = CrsdInput { standard_logits: view.clone(), reasoned_logits: view.clone(),
///     standard: view.clone(), reasoned: view, labels: label_tensor(&[0, 1], 2, &device)?, negatives: None };
/// // The second example's reason is not to be trusted.
/// let step = CrsdStep::new(1.0).with_align_weights(Tensor::from_floats([1.0, 0.0], &device));
/// let output = CrsdLossConfig::new().with_temperature(1.0).init()?.forward_with(input, step)?;
/// let aligned = output.per_example - output.standard_ce - output.reasoned_ce;
/// let aligned = aligned.into_data().try_into_vec::<f32>().unwrap();
/// assert!(aligned[0] > 0.01 && aligned[1].abs() < 1e-6);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CrsdStep<'a> {
    pub(crate) lambda_scale: f64,
    pub(crate) heads: Option<&'a CrsdHeads>,
    pub(crate) teacher_probabilities: Option<Tensor<2>>,
    pub(crate) align_weights: Option<Tensor<1>>,
    pub(crate) queue: Option<QueuedNegatives>,
}

impl<'a> CrsdStep<'a> {
    /// A step that multiplies λ by `lambda_scale`: [`LambdaSchedule::scale`] during warm-up,
    /// otherwise 1.
    ///
    /// [`LambdaSchedule::scale`]: crate::LambdaSchedule::scale
    pub fn new(lambda_scale: f64) -> Self {
        Self {
            lambda_scale,
            heads: None,
            teacher_probabilities: None,
            align_weights: None,
            queue: None,
        }
    }

    /// With the parts of the objective that learn.
    #[must_use]
    pub fn with_heads(mut self, heads: &'a CrsdHeads) -> Self {
        self.heads = Some(heads);
        self
    }

    /// With the teacher's class distributions, `[b, k]`, for
    /// [`AlignWeighting::TeacherConfidence`](crate::AlignWeighting::TeacherConfidence).
    #[must_use]
    pub fn with_teacher_probabilities(mut self, probabilities: Tensor<2>) -> Self {
        self.teacher_probabilities = Some(probabilities);
        self
    }

    /// With weights of one's own on `λ L_align`, `[b]`, without a graph. They are taken as they
    /// are, and multiplied with those of the configured policy.
    #[must_use]
    pub fn with_align_weights(mut self, weights: Tensor<1>) -> Self {
        self.align_weights = Some(weights);
        self
    }

    /// With negatives from earlier batches, [`MemoryQueue::negatives`](crate::MemoryQueue::negatives).
    #[must_use]
    pub fn with_queue(mut self, queue: Option<QueuedNegatives>) -> Self {
        self.queue = queue;
        self
    }
}
