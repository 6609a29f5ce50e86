//! The memory queue of a run, and its form in a checkpoint.

use burn::tensor::{Device, Tensor};
use crsd_loss::{MemoryQueue, MemoryQueueState, QueuedNegatives};
use serde::{Deserialize, Serialize};

use crate::StudentError;

/// Reasoned representations of earlier batches, by the key of their pairs.
#[derive(Debug)]
pub(super) struct StudentQueue {
    capacity: usize,
    queue: MemoryQueue<String>,
}

/// What stands before the representations: one line of JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    width: usize,
    keys: Vec<String>,
}

impl StudentQueue {
    pub(super) fn new(capacity: usize) -> Result<Self, StudentError> {
        let queue = MemoryQueue::new(capacity)?;
        Ok(Self { capacity, queue })
    }

    pub(super) fn negatives(&self, keys: &[String]) -> Option<QueuedNegatives> {
        self.queue.negatives(keys)
    }

    pub(super) fn push(
        &mut self,
        reasoned: Tensor<2>,
        keys: &[String],
    ) -> Result<(), StudentError> {
        Ok(self.queue.push(reasoned, keys)?)
    }

    /// The header, a line break, then the representations as little-endian f32: JSON would not give
    /// every number back to the last bit.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, StudentError> {
        let state = self.queue.state()?;
        let (width, keys) = (state.width, state.keys);
        let header = Header { width, keys };
        let mut bytes = serde_json::to_vec(&header).map_err(|e| refused(e.to_string()))?;
        bytes.push(b'\n');
        let numbers = state.representations.iter();
        bytes.extend(numbers.flat_map(|number| number.to_le_bytes()));
        Ok(bytes)
    }

    /// The queue that was written; an empty one from no bytes.
    pub(super) fn from_bytes(
        capacity: usize,
        bytes: &[u8],
        device: &Device,
    ) -> Result<Self, StudentError> {
        if bytes.is_empty() {
            return Self::new(capacity);
        }
        // JSON strings hold no raw line break, so the first one ends the header.
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| refused("it has no header".into()))?;
        let header: Header =
            serde_json::from_slice(&bytes[..end]).map_err(|e| refused(e.to_string()))?;
        let (numbers, rest) = bytes[end + 1..].as_chunks::<4>();
        if !rest.is_empty() {
            return Err(refused("its last number is cut off".into()));
        }
        let state = MemoryQueueState {
            width: header.width,
            representations: numbers
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect(),
            keys: header.keys,
        };
        let queue = MemoryQueue::from_state(capacity, state, device)?;
        Ok(Self { capacity, queue })
    }

    /// Entries.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }
}

fn refused(reason: String) -> StudentError {
    StudentError::QueueState { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    fn filled() -> StudentQueue {
        let device = Device::default();
        let mut queue = StudentQueue::new(3).unwrap();
        let numbers = [0.1f32, f32::MIN_POSITIVE, -1.0 / 3.0, 16_777_217.0];
        let rows = Tensor::from_data(TensorData::new(numbers.to_vec(), [2, 2]), &device);
        let keys = ["a\nb".to_owned(), "ü".to_owned()];
        queue.push(rows, &keys).unwrap();
        queue
    }

    #[test]
    fn bytes_give_the_queue_back_to_the_last_bit() {
        let bytes = filled().to_bytes().unwrap();
        let back = StudentQueue::from_bytes(3, &bytes, &Device::default()).unwrap();
        assert_eq!(back.to_bytes().unwrap(), bytes);
        assert_eq!(back.queue.state().unwrap(), filled().queue.state().unwrap());
        let empty = StudentQueue::new(3).unwrap().to_bytes().unwrap();
        let back = StudentQueue::from_bytes(3, &empty, &Device::default()).unwrap();
        assert!(back.queue.is_empty());
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = filled().to_bytes().unwrap();
        let refused = |bytes: &[u8]| {
            let queue = StudentQueue::from_bytes(3, bytes, &Device::default());
            queue.unwrap_err().to_string()
        };
        assert!(refused(b"{}").contains("it has no header"));
        assert!(refused(b"{}\n").contains("missing field `width`"));
        assert!(refused(&bytes[..bytes.len() - 1]).contains("its last number is cut off"));
        assert!(refused(&bytes[..bytes.len() - 4]).contains("representations"));
    }
}
