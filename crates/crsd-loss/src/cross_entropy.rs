//! Cross entropy of one view, example by example.

use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Int, Tensor};

use crate::CrsdLossError;
use crate::shape::{check_not_empty, check_shape};

/// Cross entropy in nats: `-log softmax(logits)[label]`, computed in f32.
///
/// Labels outside `0..k` are not looked for here (that would wait for the device at every step);
/// [`check_labels`](crate::check_labels) does it on the host.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{cross_entropy, label_tensor};
///
/// let device = Device::default();
/// let logits = Tensor::<2>::from_floats([[3f32.ln(), 0.0]], &device); // softmax: 3/4, 1/4
/// let loss: f32 = cross_entropy(logits, label_tensor(&[0], 2, &device)?)?.into_scalar();
/// assert!((loss - (4f32 / 3.0).ln()).abs() < 1e-6);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
///
/// # Shapes
/// - `logits`: `[b, k]`
/// - `labels`: `[b]`, each in `0..k`
/// - output: `[b]`, nats, with `logits`' graph
///
/// # Errors
/// [`CrsdLossError::EmptyBatch`] when `b` or `k` is 0, [`CrsdLossError::ShapeMismatch`] when the
/// two disagree on `b`.
pub fn cross_entropy(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
) -> Result<Tensor<1>, CrsdLossError> {
    let [b, _] = check_not_empty("logits", &logits)?;
    check_shape("labels", labels.dims(), [b], "logits")?;
    Ok(label_nll(logits, labels))
}

/// [`cross_entropy`] of shapes that have been checked.
pub(crate) fn label_nll(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let log_probs = log_softmax(logits.cast(DType::F32), 1); // [b, k]
    log_probs
        .gather(1, labels.unsqueeze_dim(1)) // [b, 1]
        .squeeze_dim::<1>(1) // [b]
        .neg()
}
