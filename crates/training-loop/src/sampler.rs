//! Which examples make up which batch.

use std::sync::Mutex;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::seed::mix_seed;

/// Cuts `len` examples into batches, shuffled anew each epoch: a pure function of
/// (epoch, index, seed), so that a resumed run sees the batches it would have seen.
///
/// ```
/// use training_loop::BatchSampler;
///
/// let sampler = BatchSampler::new(10, 4);
/// assert_eq!(sampler.num_batches(), 3);
/// let mut seen: Vec<usize> = (0..3).flat_map(|i| sampler.indices(0, i, 42)).collect();
/// seen.sort();
/// assert_eq!(seen, (0..10).collect::<Vec<_>>());
/// ```
#[derive(Debug)]
pub struct BatchSampler {
    len: usize,
    batch_size: usize,
    shuffle: bool,
    drop_last: bool,
    /// The last epoch's order, so that shuffling is paid once an epoch and not once a batch.
    order: Mutex<Option<(usize, u64, Vec<usize>)>>,
}

impl BatchSampler {
    /// Shuffled batches of `batch_size` (at least 1 is taken) out of `len` examples; the last one
    /// may be smaller.
    pub fn new(len: usize, batch_size: usize) -> Self {
        Self {
            len,
            batch_size: batch_size.max(1),
            shuffle: true,
            drop_last: false,
            order: Mutex::new(None),
        }
    }

    /// Keeps the examples in their own order.
    #[must_use]
    pub fn sequential(mut self) -> Self {
        self.shuffle = false;
        self
    }

    /// Leaves out the last batch of an epoch if it is smaller than the others.
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// Batches in an epoch.
    pub fn num_batches(&self) -> usize {
        if self.drop_last {
            self.len / self.batch_size
        } else {
            self.len.div_ceil(self.batch_size)
        }
    }

    /// The examples of batch `index` in `epoch`; empty if `index` is past the last batch.
    pub fn indices(&self, epoch: usize, index: usize, seed: u64) -> Vec<usize> {
        let start = (index * self.batch_size).min(self.len);
        let end = (start + self.batch_size).min(self.len);
        if !self.shuffle {
            return (start..end).collect();
        }
        // A poisoned lock only means that another thread panicked: the order is rebuilt anyway.
        let mut cached = self.order.lock().unwrap_or_else(|e| e.into_inner());
        match &*cached {
            Some((e, s, order)) if *e == epoch && *s == seed => order[start..end].to_vec(),
            _ => {
                let order = epoch_order(self.len, epoch, seed);
                let indices = order[start..end].to_vec();
                *cached = Some((epoch, seed, order));
                indices
            }
        }
    }
}

/// The order of `len` examples in `epoch`: a permutation that depends on nothing else but `seed`.
pub fn epoch_order(len: usize, epoch: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(mix_seed(seed, epoch as u64)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_epoch_covers_each_example_once(len in 1usize..60, size in 1usize..20, epoch in 0usize..4, seed: u64) {
            let sampler = BatchSampler::new(len, size);
            let mut seen: Vec<usize> = (0..sampler.num_batches())
                .flat_map(|i| sampler.indices(epoch, i, seed))
                .collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..len).collect::<Vec<_>>());
        }

        #[test]
        fn access_order_does_not_matter(len in 1usize..60, seed: u64) {
            let forward = BatchSampler::new(len, 7);
            let backward = BatchSampler::new(len, 7);
            let a: Vec<_> = (0..3).flat_map(|e| (0..forward.num_batches()).map(move |i| (e, i))).collect();
            let one: Vec<_> = a.iter().map(|&(e, i)| forward.indices(e, i, seed)).collect();
            let mut two: Vec<_> = a.iter().rev().map(|&(e, i)| backward.indices(e, i, seed)).collect();
            two.reverse();
            prop_assert_eq!(one, two);
        }
    }

    #[test]
    fn epochs_and_seeds_differ() {
        assert_ne!(epoch_order(50, 0, 1), epoch_order(50, 1, 1));
        assert_ne!(epoch_order(50, 0, 1), epoch_order(50, 0, 2));
    }

    #[test]
    fn drop_last_leaves_out_the_short_batch() {
        let sampler = BatchSampler::new(10, 4).drop_last();
        assert_eq!(sampler.num_batches(), 2);
        assert_eq!(
            BatchSampler::new(10, 4).sequential().indices(3, 2, 0),
            vec![8, 9]
        );
        assert!(BatchSampler::new(10, 4).indices(0, 3, 0).is_empty());
    }
}
