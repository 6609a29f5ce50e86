//! How much each example's align term counts: adaptive distillation.

use burn::tensor::activation::softmax;
use burn::tensor::{DType, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::CrsdLossError;
use crate::shape::{check_not_empty, check_shape};

/// Below it a mean weight counts as this much: a batch in which nobody asks for weight gets none,
/// instead of a division by zero.
const LEAST_MEAN: f64 = 1e-6;

/// Which examples the align term listens to: a weight `w_i` on `λ L_align,i`.
///
/// Both policies are divided by their mean over the batch, so that λ keeps its meaning and a policy
/// only moves weight between examples. No gradient reaches the weights: a student cannot lower its
/// loss by looking hard or easy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlignWeighting {
    /// Every example alike.
    #[default]
    Uniform,
    /// `w_i ∝ 1 - p_s,i(label)`, [`student_difficulty`]: what the student, without the reason,
    /// still gets wrong learns most from the view with the reason.
    StudentDifficulty,
    /// `w_i ∝ 1 - H(p_T,i) / ln k`, [`teacher_confidence`]: reasons that left the teacher undecided
    /// count less. Needs the teacher's distributions
    /// ([`CrsdStep::with_teacher_probabilities`](crate::CrsdStep::with_teacher_probabilities)).
    TeacherConfidence,
}

/// `1 - softmax(logits)[label]`: 0 where the student is sure of the label, 1 where it rules it out;
/// the focal loss's factor with γ = 1 (arXiv 1708.02002, equation 4). Without a graph.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{label_tensor, student_difficulty};
///
/// let device = Device::default();
/// let logits = Tensor::<2>::from_floats([[3f32.ln(), 0.0]], &device); // softmax: 3/4, 1/4
/// let weight: f32 = student_difficulty(logits, label_tensor(&[0], 2, &device)?)?.into_scalar();
/// assert!((weight - 0.25).abs() < 1e-6);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
///
/// # Shapes
/// - `logits`: `[b, k]`
/// - `labels`: `[b]`, each in `0..k`
/// - output: `[b]`, 0 to 1
///
/// # Errors
/// [`CrsdLossError::EmptyBatch`], [`CrsdLossError::ShapeMismatch`].
pub fn student_difficulty(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
) -> Result<Tensor<1>, CrsdLossError> {
    let [b, _] = check_not_empty("logits", &logits)?;
    check_shape("labels", labels.dims(), [b], "logits")?;
    let probs = softmax(logits.without_autodiff().cast(DType::F32), 1); // [b, k]
    let labels = labels.without_autodiff().unsqueeze_dim(1); // [b, 1]
    let of_label = probs.gather(1, labels).squeeze_dim::<1>(1); // [b]
    Ok(of_label.neg().add_scalar(1.0).clamp_min(0.0))
}

/// `1 - H(p) / ln k`, `H` the entropy in nats: 1 where the teacher is sure of one class, 0 where it
/// holds all for alike; 1 with a single class. Without a graph.
///
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// let p = Tensor::<2>::from_floats([[1.0, 0.0], [0.5, 0.5]], &Device::default());
/// let confidence = crsd_loss::teacher_confidence(p)?.into_data().try_into_vec::<f32>().unwrap();
/// assert!((confidence[0] - 1.0).abs() < 1e-6 && confidence[1].abs() < 1e-6);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
///
/// # Shapes
/// - `probabilities`: `[b, k]`, rows that sum to one
/// - output: `[b]`, 0 to 1
///
/// # Errors
/// [`CrsdLossError::EmptyBatch`].
pub fn teacher_confidence(probabilities: Tensor<2>) -> Result<Tensor<1>, CrsdLossError> {
    let [_, k] = check_not_empty("teacher_probabilities", &probabilities)?;
    let p = probabilities.without_autodiff().cast(DType::F32); // [b, k]
    // `p ln p` is 0 at 0: the smallest normal number keeps its logarithm finite.
    let log_p = p.clone().clamp_min(f32::MIN_POSITIVE).log(); // [b, k]
    let negative_entropy = (p * log_p).sum_dim(1).squeeze_dim::<1>(1); // [b]
    let largest = (k as f64).ln().max(f64::from(f32::MIN_POSITIVE));
    let confidence = negative_entropy.div_scalar(largest).add_scalar(1.0);
    Ok(confidence.clamp(0.0, 1.0))
}

impl AlignWeighting {
    /// The weights of a batch, with a mean of one; `None` for [`Uniform`](Self::Uniform).
    pub(crate) fn weights(
        self,
        logits: &Tensor<2>,
        labels: &Tensor<1, Int>,
        teacher: Option<&Tensor<2>>,
    ) -> Result<Option<Tensor<1>>, CrsdLossError> {
        let weights = match self {
            Self::Uniform => return Ok(None),
            Self::StudentDifficulty => student_difficulty(logits.clone(), labels.clone())?,
            Self::TeacherConfidence => {
                let teacher = teacher.ok_or(CrsdLossError::MissingTeacher)?;
                let [b, k] = logits.dims();
                check_shape(
                    "teacher_probabilities",
                    teacher.dims(),
                    [b, k],
                    "standard_logits",
                )?;
                teacher_confidence(teacher.clone())?
            }
        };
        let mean = weights.clone().mean().clamp_min(LEAST_MEAN); // [1]
        Ok(Some(weights / mean))
    }
}
