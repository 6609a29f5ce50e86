//! Figures that tell whether the two views meet, spread out or collapse.

use burn::tensor::{DType, Element, Tensor};
use serde::Serialize;

use crate::effective_rank::{MAX_ROWS, effective_rank};
use crate::negative_mask::off_diagonal;
use crate::shape::{check_not_empty, check_shape};
use crate::{CrsdLossError, NegativeMask, unit_norm};

/// How the two views of a batch lie to each other on the unit sphere.
///
/// Alignment and uniformity are those of Wang and Isola (arXiv 2005.10242, equations 2 and 3,
/// `α = 2`, `t = 2`). [`CollapseAlarm`](crate::CollapseAlarm) reads them.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::Diagnostics;
///
/// let view = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 3.0]], &Device::default());
/// let seen = Diagnostics::measure(view.clone(), view, None)?;
/// assert_eq!((seen.alignment, seen.diagonal_accuracy), (0.0, 1.0));
/// assert_eq!((seen.mean_positive_similarity, seen.mean_negative_similarity), (1.0, Some(0.0)));
/// assert!((seen.rank_standard - 2.0).abs() < 1e-5 && seen.max_rank == 2);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Diagnostics {
    /// `b`, examples measured.
    pub batch_size: usize,
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
    /// Share that would be found by drawing lots among a row's own view and its usable negatives;
    /// `None` when there are no negatives.
    pub chance_accuracy: Option<f64>,
    /// Effective rank of the standard views on the unit sphere, RankMe's (arXiv 2210.02885,
    /// equation 1): 1 on one line, [`max_rank`](Self::max_rank) when every dimension counts alike.
    /// Of the first 1024 rows.
    pub rank_standard: f64,
    /// The same of the reasoned views.
    pub rank_reasoned: f64,
    /// Largest rank there could be: the smaller of `b`, at most 1024, and `h`.
    pub max_rank: usize,
}

impl Diagnostics {
    /// Measures a batch, without a graph. Meant for the steps that are logged: besides three matrix
    /// products it waits for the device and finds `n = min(b, 1024, h)` eigenvalues of each view on
    /// the host, about `n² (h + n)` multiplications.
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
        let num_negatives = usable.float().cast(DType::F32).sum_dim(1); // [b, 1]
        let sums = [
            squared_distance.sum(),
            positive.sum(),
            found.cast(DType::F32).sum(),
            cosine.mask_fill(unusable, 0.0).sum(),
            num_negatives.clone().sum(),
            num_negatives.add_scalar(1.0).recip().sum(),
            potential_sum(z.clone()),
            potential_sum(z_reasoned.clone()),
        ];
        let sums = read(Tensor::cat(sums.to_vec(), 0))?;
        let [
            distance,
            positive,
            found,
            negative,
            num_negatives,
            chance,
            standard,
            reasoned,
        ] = sums;
        let rows = b as f64;
        let pairs = rows * (rows - 1.0);
        let uniformity = |sum: f64| (b > 1).then(|| (sum / pairs).ln());
        Ok(Self {
            batch_size: b,
            alignment: distance / rows,
            uniformity_standard: uniformity(standard),
            uniformity_reasoned: uniformity(reasoned),
            mean_positive_similarity: positive / rows,
            mean_negative_similarity: (num_negatives > 0.0).then(|| negative / num_negatives),
            diagonal_accuracy: found / rows,
            chance_accuracy: (num_negatives > 0.0).then_some(chance / rows),
            rank_standard: rank(z)?,
            rank_reasoned: rank(z_reasoned)?,
            max_rank: b.min(MAX_ROWS).min(h),
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

fn rank(z: Tensor<2>) -> Result<f64, CrsdLossError> {
    let [b, h] = z.dims();
    let rows: Vec<f32> = host(z.narrow(0, 0, b.min(MAX_ROWS)))?;
    Ok(effective_rank(&rows, h))
}

fn read<const N: usize>(values: Tensor<1>) -> Result<[f64; N], CrsdLossError> {
    let values: Vec<f64> = host(values)?;
    <[f64; N]>::try_from(values).map_err(|v| failed(format!("{} values, not {N}", v.len())))
}

fn host<const D: usize, E: Element>(tensor: Tensor<D>) -> Result<Vec<E>, CrsdLossError> {
    let data = tensor.try_into_data().map_err(|e| failed(e.to_string()))?;
    Ok(data.iter::<E>().collect())
}

fn failed(reason: String) -> CrsdLossError {
    CrsdLossError::Device {
        what: "diagnostics",
        reason,
    }
}
