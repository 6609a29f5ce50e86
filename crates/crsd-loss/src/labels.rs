//! Labels checked on the host, where it costs nothing.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::CrsdLossError;

/// Fails on the first label that is no class.
///
/// ```
/// let error = crsd_loss::check_labels(&[0, 2, 1], 2).unwrap_err();
/// assert!(error.to_string().starts_with("label of row 1 is 2"));
/// ```
///
/// # Errors
/// [`CrsdLossError::LabelOutOfRange`] names the row and the label.
pub fn check_labels(labels: &[usize], num_classes: usize) -> Result<(), CrsdLossError> {
    match labels.iter().position(|&label| label >= num_classes) {
        None => Ok(()),
        Some(row) => Err(CrsdLossError::LabelOutOfRange {
            row,
            label: labels[row],
            num_classes,
        }),
    }
}

/// Labels as a tensor, after [`check_labels`]: the way to be sure that no label reaches the
/// device out of range.
///
/// ```
/// use burn::tensor::Device;
/// use crsd_loss::label_tensor;
///
/// assert_eq!(label_tensor(&[0, 1, 1], 2, &Device::default())?.dims(), [3]);
/// assert!(label_tensor(&[2], 2, &Device::default()).is_err());
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
///
/// # Shapes
/// - output: `[b]`
///
/// # Errors
/// As [`check_labels`].
pub fn label_tensor(
    labels: &[usize],
    num_classes: usize,
    device: &Device,
) -> Result<Tensor<1, Int>, CrsdLossError> {
    check_labels(labels, num_classes)?;
    let values: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
    let shape = [values.len()];
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}
