//! Figures that tell whether the two views meet, spread out or collapse.

use burn::tensor::{DType, Tensor};
use serde::Serialize;

use crate::negative_mask::off_diagonal;
use crate::shape::{check_not_empty, check_shape};
use crate::{CrsdLossError, NegativeMask, unit_norm};

/// How the two views of a batch lie to each other on the unit sphere.
///
/// Alignment and uniformity are those of Wang and Isola (arXiv 2005.10242, equations 2 and 3,
/// `α = 2`, `t = 2`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Diagnostics {
    /// Mean squared distance of a pair's two views, 0 to 4; 0 when they coincide.
    pub alignment: f64,
    /// Log of the mean `exp(-2 d²)` over pairs of standard views, -8 to 0; 0 is a collapse to one
    /// point. `None` for a batch of one.
    pub uniformity_standard: Option<f64>,
    /// The same over the reasoned views.
    pub uniformity_reasoned: Option<f64>,
    /// Mean cosine of a pair's two views, -1 to 1.
    pub mean_positive_similarity: f64,
    /// Mean cosine over the usable negatives; `None` when there are none.
    pub mean_negative_similarity: Option<f64>,
    /// Share of standard views whose own reasoned view is strictly nearer than every usable
    /// negative, 0 to 1. Collapsed views score 0, since no view is nearer than another.
    pub diagonal_accuracy: f64,
}

impl Diagnostics {
    /// Measures a batch; costs three matrix products and one wait for the device, no graph.
    ///
    /// # Shapes
    /// - `standard`, `reasoned`: `[b, h]`, of any norm
    /// - `negatives`: `[b, b]`
    ///
    /// # Errors
    /// [`CrsdLossError::EmptyBatch`], [`CrsdLossError::ShapeMismatch`], and
    /// [`CrsdLossError::Device`] when the device fails.
    pub fn measure(
        standard: Tensor<2>,
        reasoned: Tensor<2>,
        negatives: Option<&NegativeMask>,
    ) -> Result<Self, CrsdLossError> {
        let [b, h] = check_not_empty("standard", &standard)?;
        check_shape("reasoned", reasoned.dims(), [b, h], "standard")?;
        if let Some(mask) = negatives {
            check_shape("negatives", [mask.batch_size(); 2], [b, b], "standard")?;
        }
        const EPS: f64 = 1e-6;
        let z = unit_norm(standard.without_autodiff(), EPS); // [b, h]
        let z_reasoned = unit_norm(reasoned.without_autodiff(), EPS); // [b, h]
        let usable = match negatives {
            Some(mask) => mask.usable(),
            None => off_diagonal(b, &z.device()),
        }; // [b, b]

        let cosine = z.clone().matmul(z_reasoned.clone().transpose()); // [b, b]
        let positive = (z.clone() * z_reasoned.clone()).sum_dim(1); // [b, 1]
        let squared_distance = (z.clone() - z_reasoned.clone()).square().sum_dim(1); // [b, 1]
        let unusable = usable.clone().bool_not();
        let nearest_negative = cosine.clone().mask_fill(unusable.clone(), -2.0).max_dim(1); // [b, 1]
        let found = positive.clone().greater(nearest_negative).float();
        let sums = [
            squared_distance.sum(),
            positive.sum(),
            found.cast(DType::F32).sum(),
            cosine.mask_fill(unusable, 0.0).sum(),
            usable.float().cast(DType::F32).sum(),
            potential_sum(z),
            potential_sum(z_reasoned),
        ];
        let sums = read(Tensor::cat(sums.to_vec(), 0))?;
        let [
            distance,
            positive,
            found,
            negative,
            num_negatives,
            standard,
            reasoned,
        ] = sums;
        let rows = b as f64;
        let pairs = rows * (rows - 1.0);
        let uniformity = |sum: f64| (b > 1).then(|| (sum / pairs).ln());
        Ok(Self {
            alignment: distance / rows,
            uniformity_standard: uniformity(standard),
            uniformity_reasoned: uniformity(reasoned),
            mean_positive_similarity: positive / rows,
            mean_negative_similarity: (num_negatives > 0.0).then(|| negative / num_negatives),
            diagonal_accuracy: found / rows,
        })
    }
}

/// `Σ_{i ≠ j} exp(-2 |z_i - z_j|²)` of unit vectors, where `|z_i - z_j|² = 2 - 2 z_i · z_j`.
fn potential_sum(z: Tensor<2>) -> Tensor<1> {
    let [b, _] = z.dims();
    let diagonal = off_diagonal(b, &z.device()).bool_not();
    let cosine = z.clone().matmul(z.transpose()); // [b, b]
    let potential = cosine.mul_scalar(4.0).sub_scalar(4.0).exp(); // [b, b]
    potential.mask_fill(diagonal, 0.0).sum()
}

fn read<const N: usize>(values: Tensor<1>) -> Result<[f64; N], CrsdLossError> {
    let failed = |reason: String| CrsdLossError::Device {
        what: "diagnostics",
        reason,
    };
    let data = values.try_into_data().map_err(|e| failed(e.to_string()))?;
    let values: Vec<f64> = data.iter::<f64>().collect();
    <[f64; N]>::try_from(values).map_err(|v| failed(format!("{} values, not {N}", v.len())))
}
