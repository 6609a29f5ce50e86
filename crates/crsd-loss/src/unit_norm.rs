//! Representations on the unit sphere.

use burn::tensor::{DType, Tensor};

/// Each row divided by its Euclidean norm, in f32.
///
/// The derivative of a norm is undefined at zero, and that of `x / max(|x|, eps)` (torch's
/// `F.normalize`) is `1 / eps` there: one dead row would outweigh its whole batch. So a row whose
/// norm is below `eps` is passed on as it is: still next to zero, with a gradient of ordinary
/// size that can bring it back to life. Every other row equals `F.normalize`, gradient included.
///
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// let rows = Tensor::<2>::from_floats([[3.0, 4.0], [0.0, 0.0]], &Device::default());
/// let unit = crsd_loss::unit_norm(rows, 1e-6).into_data().try_into_vec::<f32>().unwrap();
/// assert!((unit[0] - 0.6).abs() < 1e-6 && (unit[1] - 0.8).abs() < 1e-6);
/// assert_eq!(unit[2..], [0.0, 0.0]);
/// ```
///
/// # Shapes
/// - `representations`: `[b, h]`
/// - output: `[b, h]`
pub fn unit_norm(representations: Tensor<2>, eps: f64) -> Tensor<2> {
    let x = representations.cast(DType::F32); // [b, h]
    let squared = x.clone().square().sum_dim(1); // [b, 1]
    // `lower` is false for NaN: a broken row stays visibly broken.
    let dead = squared.clone().without_autodiff().lower_scalar(eps * eps); // [b, 1]
    x / squared.mask_fill(dead, 1.0).sqrt()
}
