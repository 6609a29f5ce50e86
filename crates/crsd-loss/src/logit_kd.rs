//! Classic distillation of a teacher's class distribution.

use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Tensor};

use crate::CrsdLossError;
use crate::contrast::MIN_TEMPERATURE;
use crate::shape::{check_not_empty, check_shape};

/// `T² · KL(softmax(teacher / T) ‖ softmax(student / T))`, per example, in nats (Hinton et al.,
/// arXiv 1503.02531, section 2). `T²` keeps the gradient's size independent of `T`. No gradient
/// reaches the teacher.
///
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::default();
/// let teacher = Tensor::<2>::from_floats([[3f32.ln(), 0.0]], &device); // softmax: 3/4, 1/4
/// let student = Tensor::zeros([1, 2], &device); // 1/2, 1/2
/// let loss: f32 = crsd_loss::logit_kd(student, teacher, 1.0)?.into_scalar();
/// assert!((loss - (0.75 * 1.5f32.ln() + 0.25 * 0.5f32.ln())).abs() < 1e-6);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
///
/// # Shapes
/// - `student_logits`, `teacher_logits`: `[b, k]`
/// - output: `[b]`
///
/// # Errors
/// [`CrsdLossError::EmptyBatch`], [`CrsdLossError::ShapeMismatch`], and
/// [`CrsdLossError::InvalidArgument`] for a temperature that is not above 0.
pub fn logit_kd(
    student_logits: Tensor<2>,
    teacher_logits: Tensor<2>,
    temperature: f64,
) -> Result<Tensor<1>, CrsdLossError> {
    let shape = check_not_empty("student_logits", &student_logits)?;
    check_shape(
        "teacher_logits",
        teacher_logits.dims(),
        shape,
        "student_logits",
    )?;
    if !(temperature.is_finite() && temperature >= MIN_TEMPERATURE) {
        return Err(CrsdLossError::InvalidArgument {
            argument: "temperature",
            value: temperature,
            allowed: "a finite number above 0, at least 1e-6",
        });
    }
    let teacher = teacher_logits.without_autodiff();
    let divergence = kl_divergence(teacher, student_logits, temperature);
    Ok(divergence.mul_scalar(temperature * temperature))
}

/// `KL(softmax(p / T) ‖ softmax(q / T))` of each row, `[b]`, in nats, in f32.
pub(crate) fn kl_divergence(p: Tensor<2>, q: Tensor<2>, temperature: f64) -> Tensor<1> {
    let inverse_temperature = 1.0 / temperature;
    let log_p = log_softmax(p.cast(DType::F32).mul_scalar(inverse_temperature), 1); // [b, k]
    let log_q = log_softmax(q.cast(DType::F32).mul_scalar(inverse_temperature), 1); // [b, k]
    let terms = log_p.clone().exp() * (log_p - log_q); // [b, k]
    terms.sum_dim(1).squeeze_dim::<1>(1) // [b]
}
