//! Which other rows of the batch may serve as negatives.

use std::collections::HashMap;
use std::hash::Hash;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::CrsdLossError;
use crate::shape::check_shape;

/// The usable negatives of a batch: cell `(i, j)` tells whether row `j` may push row `i` away.
///
/// With three or four classes and repeated pairs, some "negatives" are the same pair again, and
/// pushing it away fights the cross entropy. A masked cell leaves the denominator of the softmax
/// and gets a gradient of exactly zero. The diagonal holds the positives: it is never masked,
/// whatever the input says.
///
/// ```
/// use burn::tensor::Device;
/// use crsd_loss::NegativeMask;
///
/// let mask = NegativeMask::from_keys(&["a", "b", "a"], &Device::default()).unwrap();
/// let usable: Vec<bool> = mask.usable().into_data().iter::<bool>().collect();
/// assert_eq!(usable[..3], [false, true, false]); // row 0: itself, "b", its duplicate
/// ```
#[derive(Debug, Clone)]
pub struct NegativeMask {
    /// `[b, b]`, true where a cell is left out; false on the diagonal; without autodiff.
    excluded: Tensor<2, Bool>,
}

impl NegativeMask {
    /// From a matrix that is true where a cell is a usable negative.
    ///
    /// # Shapes
    /// - `usable`: `[b, b]`; the diagonal is ignored
    ///
    /// # Errors
    /// [`CrsdLossError::ShapeMismatch`] when the matrix is not square,
    /// [`CrsdLossError::EmptyBatch`] when it has no cell.
    pub fn new(usable: Tensor<2, Bool>) -> Result<Self, CrsdLossError> {
        let [rows, columns] = usable.dims();
        check_shape("usable", [rows, columns], [rows, rows], "its own rows")?;
        if rows == 0 {
            return Err(CrsdLossError::EmptyBatch {
                tensor: "usable",
                shape: vec![0, 0],
            });
        }
        let usable = usable.without_autodiff();
        let off_diagonal = off_diagonal(rows, &usable.device());
        Ok(Self {
            excluded: usable.bool_not().bool_and(off_diagonal),
        })
    }

    /// Leaves out the cells whose two rows have equal keys: exact duplicates with the pair's
    /// texts as key; same query, same item or same label with those as key.
    ///
    /// `None` when all keys differ: then nothing is masked and no `[b, b]` pass is spent on it.
    pub fn from_keys<K: Eq + Hash>(keys: &[K], device: &Device) -> Option<Self> {
        let mut ids = HashMap::with_capacity(keys.len());
        let mut rows: Vec<i64> = Vec::with_capacity(keys.len());
        for key in keys {
            let next = ids.len() as i64;
            rows.push(*ids.entry(key).or_insert(next));
        }
        let b = rows.len();
        if ids.len() == b {
            return None;
        }
        let device = device.clone().without_autodiff();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(rows, [b]), &device); // [b]
        let column = ids.clone().unsqueeze_dim::<2>(1).expand([b, b]); // [b, b]
        let row = ids.unsqueeze_dim::<2>(0).expand([b, b]); // [b, b]
        Some(Self {
            excluded: column.equal(row).bool_and(off_diagonal(b, &device)),
        })
    }

    /// Usable only where both masks say so.
    ///
    /// # Errors
    /// [`CrsdLossError::ShapeMismatch`] when the batches differ in size.
    pub fn and(self, other: Self) -> Result<Self, CrsdLossError> {
        let found = other.excluded.dims();
        check_shape("other", found, self.excluded.dims(), "self")?;
        Ok(Self {
            excluded: self.excluded.bool_or(other.excluded),
        })
    }

    /// Number of rows, `b`.
    pub fn batch_size(&self) -> usize {
        self.excluded.dims()[0]
    }

    /// True where a cell is a usable negative; false on the diagonal.
    ///
    /// # Shapes
    /// - output: `[b, b]`, without autodiff
    pub fn usable(&self) -> Tensor<2, Bool> {
        let off_diagonal = off_diagonal(self.batch_size(), &self.excluded.device());
        self.excluded.clone().bool_not().bool_and(off_diagonal)
    }

    /// `[b, b]`, true where a cell is left out of the softmax.
    pub(crate) fn excluded(&self) -> Tensor<2, Bool> {
        self.excluded.clone()
    }

    /// The mask seen from the columns.
    pub(crate) fn transpose(&self) -> Self {
        Self {
            excluded: self.excluded.clone().transpose(),
        }
    }
}

/// `[b, b]`, true everywhere but on the diagonal.
pub(crate) fn off_diagonal(b: usize, device: &Device) -> Tensor<2, Bool> {
    Tensor::diag_mask([b, b], 0, device)
}
