//! Which examples form which batch.

use crate::DataError;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// How many batches are sorted by length together.
const WINDOW: usize = 50;

/// Shuffled batches of examples of like length, so that little is padded.
///
/// Each epoch is a pure function of the lengths, the batch size, the seed and the epoch's number:
/// a run that is taken up again needs to remember only where it was. As in `transformers`'
/// `LengthGroupedSampler`, the order is random, windows of 50 batches are sorted by length, and
/// the batches are shuffled again.
///
/// ```
/// let sampler = relevance_data::BatchSampler::new(vec![3, 9, 4, 8, 5], 2, 7)?;
/// let batches = sampler.epoch(0);
/// assert_eq!(batches.len(), sampler.num_batches());
/// assert_eq!(batches, sampler.epoch(0));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BatchSampler {
    lengths: Vec<usize>,
    batch_size: usize,
    seed: u64,
    drop_last: bool,
    group_by_length: bool,
}

impl BatchSampler {
    /// A sampler over examples with these lengths (in tokens).
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] if `batch_size` is 0, [`DataError::NotEnoughData`] if there is
    /// no example.
    pub fn new(lengths: Vec<usize>, batch_size: usize, seed: u64) -> Result<Self, DataError> {
        if batch_size == 0 {
            return Err(DataError::InvalidConfig {
                field: "batch_size",
                value: "0".to_owned(),
                allowed: "at least 1".to_owned(),
            });
        }
        if lengths.is_empty() {
            return Err(DataError::NotEnoughData {
                needed: "1 example".to_owned(),
                found: "none".to_owned(),
            });
        }
        Ok(Self {
            lengths,
            batch_size,
            seed,
            drop_last: false,
            group_by_length: true,
        })
    }

    /// Whether an incomplete last batch is left out (default: no). If all examples together do not
    /// fill one batch, that batch stays.
    #[must_use]
    pub fn with_drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// Whether examples of like length share a batch (default: yes).
    #[must_use]
    pub fn with_group_by_length(mut self, group_by_length: bool) -> Self {
        self.group_by_length = group_by_length;
        self
    }

    /// How many examples there are.
    pub fn num_examples(&self) -> usize {
        self.lengths.len()
    }

    /// How many batches each epoch has.
    pub fn num_batches(&self) -> usize {
        if self.drop_last {
            (self.lengths.len() / self.batch_size).max(1)
        } else {
            self.lengths.len().div_ceil(self.batch_size)
        }
    }

    /// The batches of an epoch, as positions in `lengths`.
    pub fn epoch(&self, epoch: usize) -> Vec<Vec<usize>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch as u64);
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        order.shuffle(&mut random);
        // The incomplete batch is cut off before sorting, else it would always hold the shortest.
        let whole = order.len() - order.len() % self.batch_size;
        let rest = order.split_off(whole);
        if self.group_by_length {
            for window in order.chunks_mut(self.batch_size * WINDOW) {
                window.sort_by_key(|&example| self.lengths[example]);
            }
        }
        let mut batches: Vec<Vec<usize>> = order
            .chunks(self.batch_size)
            .map(<[usize]>::to_vec)
            .collect();
        if !rest.is_empty() && (!self.drop_last || batches.is_empty()) {
            batches.push(rest);
        }
        batches.shuffle(&mut random);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Vec<usize> {
        (0..1003).map(|i| 10 + (i * 7919) % 118).collect()
    }

    #[test]
    fn each_epoch_holds_every_example_once() {
        let sampler = BatchSampler::new(lengths(), 8, 1).unwrap();
        for epoch in 0..3 {
            let batches = sampler.epoch(epoch);
            assert_eq!(batches.len(), sampler.num_batches());
            let mut all: Vec<usize> = batches.concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..1003));
        }
    }

    #[test]
    fn epochs_and_seeds_differ_and_repeat() {
        let sampler = BatchSampler::new(lengths(), 8, 1).unwrap();
        assert_eq!(sampler.epoch(4), sampler.epoch(4));
        assert_ne!(sampler.epoch(4), sampler.epoch(5));
        let other = BatchSampler::new(lengths(), 8, 2).unwrap();
        assert_ne!(sampler.epoch(4), other.epoch(4));
    }

    #[test]
    fn grouping_saves_padding() {
        let padded = |batches: &[Vec<usize>]| -> usize {
            let lengths = lengths();
            let width = |batch: &Vec<usize>| batch.iter().map(|&i| lengths[i]).max().unwrap_or(0);
            batches.iter().map(|batch| batch.len() * width(batch)).sum()
        };
        let grouped = BatchSampler::new(lengths(), 8, 1).unwrap();
        let plain = grouped.clone().with_group_by_length(false);
        let tokens: usize = lengths().iter().sum();
        assert!(padded(&grouped.epoch(0)) < tokens * 105 / 100);
        assert!(padded(&plain.epoch(0)) > tokens * 140 / 100);
    }

    #[test]
    fn the_last_batch_can_be_dropped() {
        let sampler = BatchSampler::new(lengths(), 8, 1)
            .unwrap()
            .with_drop_last(true);
        let batches = sampler.epoch(0);
        assert_eq!(batches.len(), 125);
        assert!(batches.iter().all(|batch| batch.len() == 8));
        let few = BatchSampler::new(vec![1, 2], 8, 1)
            .unwrap()
            .with_drop_last(true);
        assert_eq!(few.epoch(0).concat().len(), 2);
        assert!(BatchSampler::new(vec![], 8, 1).is_err());
        assert!(BatchSampler::new(vec![1], 0, 1).is_err());
    }
}
