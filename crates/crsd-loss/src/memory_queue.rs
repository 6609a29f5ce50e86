//! Reasoned representations of earlier batches, as further negatives.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::CrsdLossError;
use crate::shape::{check_not_empty, check_shape};

/// The last `capacity` reasoned representations, oldest first: more negatives than a batch holds
/// (MoCo, arXiv 1911.05722, section 3.1, without its second encoder).
///
/// No gradient reaches a representation of an earlier step, so the queue is for the variant whose
/// reasoned side is detached anyway; [`CrsdLoss`](crate::CrsdLoss) refuses it otherwise. The
/// representations are as old as the steps since they were pushed: without a momentum encoder a
/// long queue holds a student that is gone.
///
/// `K` is the key of an example, as in [`NegativeMask::from_keys`](crate::NegativeMask::from_keys):
/// an entry with the key of a row is not its negative.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::MemoryQueue;
///
/// let device = Device::default();
/// let mut queue = MemoryQueue::new(3)?;
/// queue.push(Tensor::from_floats([[1.0, 0.0], [0.0, 1.0]], &device), &["a", "b"])?;
/// queue.push(Tensor::from_floats([[2.0, 0.0], [0.0, 2.0]], &device), &["c", "d"])?;
/// assert_eq!(queue.keys().collect::<Vec<_>>(), [&"b", &"c", &"d"]);
/// let restored = MemoryQueue::from_state(3, queue.state()?, &device)?;
/// assert_eq!(restored.state()?, queue.state()?);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemoryQueue<K> {
    capacity: usize,
    /// `[q, h]`, f32, without autodiff; `None` when empty.
    representations: Option<Tensor<2>>,
    keys: VecDeque<K>,
}

/// The contents of a [`MemoryQueue`] on the host: what a checkpoint keeps, to the last bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryQueueState<K> {
    /// `h`; 0 when empty.
    pub width: usize,
    /// `[q, h]` in rows, oldest first.
    pub representations: Vec<f32>,
    /// The key of each row.
    pub keys: Vec<K>,
}

/// The queue as one batch sees it.
#[derive(Debug, Clone)]
pub struct QueuedNegatives {
    /// `[q, h]`, f32, of any norm, without autodiff.
    pub(crate) representations: Tensor<2>,
    /// `[b, q]`, true where an entry is not a negative of a row; `None`: all are.
    pub(crate) excluded: Option<Tensor<2, Bool>>,
}

impl<K: Clone + Eq + Hash> MemoryQueue<K> {
    /// An empty queue.
    ///
    /// # Errors
    /// [`CrsdLossError::InvalidArgument`] for a capacity of 0.
    pub fn new(capacity: usize) -> Result<Self, CrsdLossError> {
        if capacity == 0 {
            return Err(CrsdLossError::InvalidArgument {
                argument: "capacity",
                value: 0.0,
                allowed: "at least 1",
            });
        }
        Ok(Self {
            capacity,
            representations: None,
            keys: VecDeque::new(),
        })
    }

    /// Appends a batch and drops the oldest entries beyond the capacity. Call it after the loss of
    /// the batch, with [`CrsdOutput::reasoned`](crate::CrsdOutput::reasoned).
    ///
    /// # Shapes
    /// - `reasoned`: `[b, h]`, of any norm; its graph is cut
    ///
    /// # Errors
    /// [`CrsdLossError::EmptyBatch`]; [`CrsdLossError::ShapeMismatch`] when `keys` or the width of
    /// earlier entries does not fit. The queue is then as it was.
    pub fn push(&mut self, reasoned: Tensor<2>, keys: &[K]) -> Result<(), CrsdLossError> {
        let [b, h] = check_not_empty("reasoned", &reasoned)?;
        check_shape("keys", [keys.len()], [b], "reasoned")?;
        if let Some(held) = &self.representations {
            check_shape("reasoned", [b, h], [b, held.dims()[1]], "the queue")?;
        }
        let reasoned = reasoned.without_autodiff().cast(DType::F32);
        let all = match self.representations.take() {
            Some(held) => Tensor::cat(vec![held, reasoned], 0), // [q + b, h]
            None => reasoned,
        };
        self.keys.extend(keys.iter().cloned());
        let excess = self.keys.len().saturating_sub(self.capacity);
        self.keys.drain(..excess);
        self.representations = Some(all.narrow(0, excess, self.keys.len())); // [q, h]
        Ok(())
    }

    /// The entries as negatives of a batch whose rows have `keys`; `None` when there are none yet.
    pub fn negatives(&self, keys: &[K]) -> Option<QueuedNegatives> {
        let representations = self.representations.clone()?;
        let excluded = self.excluded(keys).map(|cells| {
            let data = TensorData::new(cells, [keys.len(), self.len()]);
            Tensor::from_data(data, &representations.device()) // [b, q]
        });
        Some(QueuedNegatives {
            representations,
            excluded,
        })
    }

    /// `[b, q]` in rows, true where an entry has the key of a row; `None` when none has.
    fn excluded(&self, keys: &[K]) -> Option<Vec<bool>> {
        let mut entries: HashMap<&K, Vec<usize>> = HashMap::with_capacity(self.len());
        for (entry, key) in self.keys.iter().enumerate() {
            entries.entry(key).or_default().push(entry);
        }
        let mut cells: Option<Vec<bool>> = None;
        for (row, key) in keys.iter().enumerate() {
            for entry in entries.get(key).into_iter().flatten() {
                let cells = cells.get_or_insert_with(|| vec![false; keys.len() * self.len()]);
                cells[row * self.len() + entry] = true;
            }
        }
        cells
    }

    /// Number of entries, at most the capacity.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no entries yet.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.keys.iter()
    }

    /// The contents on the host.
    ///
    /// # Errors
    /// [`CrsdLossError::Device`] when the device fails.
    pub fn state(&self) -> Result<MemoryQueueState<K>, CrsdLossError> {
        let keys = self.keys.iter().cloned().collect();
        let Some(held) = self.representations.clone() else {
            return Ok(MemoryQueueState {
                width: 0,
                representations: Vec::new(),
                keys,
            });
        };
        let width = held.dims()[1];
        let data = held.try_into_data().map_err(|e| CrsdLossError::Device {
            what: "the memory queue",
            reason: e.to_string(),
        })?;
        Ok(MemoryQueueState {
            width,
            representations: data.iter::<f32>().collect(),
            keys,
        })
    }

    /// A queue with the contents of `state`; with a smaller capacity, its latest entries.
    ///
    /// # Errors
    /// [`CrsdLossError::InvalidArgument`] for a capacity of 0, [`CrsdLossError::ShapeMismatch`]
    /// when the state's parts do not fit together.
    pub fn from_state(
        capacity: usize,
        state: MemoryQueueState<K>,
        device: &Device,
    ) -> Result<Self, CrsdLossError> {
        let mut queue = Self::new(capacity)?;
        let shape = [state.keys.len(), state.width];
        let cells = [state.representations.len()];
        check_shape("representations", cells, [shape[0] * shape[1]], "keys")?;
        if shape[0] > 0 {
            let data = TensorData::new(state.representations, shape);
            queue.push(Tensor::from_data(data, device), &state.keys)?;
        }
        Ok(queue)
    }
}

/// Fails unless a queue goes with the objective.
pub(crate) fn check_queue(detach_reasoned: bool, reads_queue: bool) -> Result<(), CrsdLossError> {
    let refused = |reason| Err(CrsdLossError::QueueRefused { reason });
    match (detach_reasoned, reads_queue) {
        (false, _) => refused(
            "its entries carry no gradient, and the reasoned side must not either; set \
             `detach_reasoned`",
        ),
        (_, false) => refused("the align term has no use for further negatives; `info_nce` has"),
        _ => Ok(()),
    }
}

impl QueuedNegatives {
    /// Number of entries, `q`.
    pub fn num_entries(&self) -> usize {
        self.representations.dims()[0]
    }

    /// The cells that are left out of `[b, b + q]`: the batch's own, then the queue's.
    pub(crate) fn beside(
        &self,
        batch: Option<Tensor<2, Bool>>,
        b: usize,
    ) -> Option<Tensor<2, Bool>> {
        if batch.is_none() && self.excluded.is_none() {
            return None;
        }
        let device = self.representations.device();
        let none = |n| Tensor::<2, Bool>::zeros([b, n], &device);
        let batch = batch.unwrap_or_else(|| none(b));
        let queue = self.excluded.clone();
        let queue = queue.unwrap_or_else(|| none(self.num_entries()));
        Some(Tensor::cat(vec![batch, queue], 1)) // [b, b + q]
    }

    /// Fails unless it was made for a batch of `b` rows of width `h`.
    pub(crate) fn check(&self, [b, h]: [usize; 2]) -> Result<(), CrsdLossError> {
        let [q, width] = self.representations.dims();
        check_shape("queue", [q, width], [q, h], "reasoned")?;
        match &self.excluded {
            Some(excluded) => check_shape("queue keys", excluded.dims(), [b, q], "reasoned"),
            None => Ok(()),
        }
    }
}
