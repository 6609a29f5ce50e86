//! Which examples make up which batch.

use std::sync::Mutex;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::seed::mix_seed;

/// How many batches are sorted by length together.
const WINDOW: usize = 50;

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
    order: Order,
    drop_last: bool,
    /// The last epoch asked for, so that shuffling is paid once an epoch and not once a batch.
    epoch: Mutex<Option<(usize, u64, Epoch)>>,
}

/// What decides the order of an epoch.
#[derive(Debug)]
enum Order {
    Sequential,
    Shuffled,
    /// The examples' lengths.
    ByLength(Vec<usize>),
}

/// The batches of an epoch.
#[derive(Debug)]
struct Epoch {
    examples: Vec<usize>,
    /// Where each batch begins among `examples`, and where the last one ends.
    bounds: Vec<usize>,
}

impl BatchSampler {
    /// Shuffled batches of `batch_size` (at least 1 is taken) out of `len` examples; the last one
    /// may be smaller.
    pub fn new(len: usize, batch_size: usize) -> Self {
        Self::ordered(len, batch_size, Order::Shuffled)
    }

    /// Shuffled batches of examples of like length, so that little is padded; `lengths` has one
    /// entry an example, in tokens.
    ///
    /// As in `transformers`' `LengthGroupedSampler` the order is random, windows of 50 batches are
    /// sorted by length, and the batches are shuffled again: a smaller batch may come anywhere.
    ///
    /// ```
    /// use training_loop::BatchSampler;
    ///
    /// let sampler = BatchSampler::by_length(vec![3, 90, 4, 80, 5, 70], 3);
    /// let mut first = sampler.indices(0, 0, 42);
    /// first.sort();
    /// assert!(first == [0, 2, 4] || first == [1, 3, 5]);
    /// ```
    pub fn by_length(lengths: Vec<usize>, batch_size: usize) -> Self {
        Self::ordered(lengths.len(), batch_size, Order::ByLength(lengths))
    }

    fn ordered(len: usize, batch_size: usize, order: Order) -> Self {
        Self {
            len,
            batch_size: batch_size.max(1),
            order,
            drop_last: false,
            epoch: Mutex::new(None),
        }
    }

    /// Keeps the examples in their own order.
    #[must_use]
    pub fn sequential(mut self) -> Self {
        self.order = Order::Sequential;
        self
    }

    /// Leaves out the batch of an epoch that is smaller than the others.
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
        // A poisoned lock only means that another thread panicked: the order is rebuilt anyway.
        let mut cached = self.epoch.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((e, s, batches)) = &*cached
            && (*e, *s) == (epoch, seed)
        {
            return batches.get(index);
        }
        let batches = self.sample(epoch, seed);
        let indices = batches.get(index);
        *cached = Some((epoch, seed, batches));
        indices
    }

    fn sample(&self, epoch: usize, seed: u64) -> Epoch {
        match &self.order {
            Order::Sequential => self.cut((0..self.len).collect()),
            Order::Shuffled => self.cut(epoch_order(self.len, epoch, seed)),
            Order::ByLength(lengths) => self.grouped(lengths, epoch, seed),
        }
    }

    /// Cuts an order into batches, the smaller one last.
    fn cut(&self, mut examples: Vec<usize>) -> Epoch {
        if self.drop_last {
            examples.truncate(self.num_batches() * self.batch_size);
        }
        let mut bounds: Vec<usize> = (0..examples.len()).step_by(self.batch_size).collect();
        bounds.push(examples.len());
        Epoch { examples, bounds }
    }

    fn grouped(&self, lengths: &[usize], epoch: usize, seed: u64) -> Epoch {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(epoch as u64);
        let mut order: Vec<usize> = (0..self.len).collect();
        order.shuffle(&mut random);
        // The smaller batch is cut off before sorting, else it would always hold the shortest.
        let rest = order.split_off(self.len - self.len % self.batch_size);
        for window in order.chunks_mut(self.batch_size * WINDOW) {
            window.sort_by_key(|&example| lengths[example]);
        }
        let mut batches: Vec<&[usize]> = order.chunks(self.batch_size).collect();
        if !rest.is_empty() && !self.drop_last {
            batches.push(&rest);
        }
        batches.shuffle(&mut random);
        let mut bounds = vec![0];
        let ends = batches.iter().scan(0, |end, batch| {
            *end += batch.len();
            Some(*end)
        });
        bounds.extend(ends);
        Epoch {
            examples: batches.concat(),
            bounds,
        }
    }
}

impl Epoch {
    fn get(&self, index: usize) -> Vec<usize> {
        match self.bounds.get(index..) {
            Some([start, end, ..]) => self.examples[*start..*end].to_vec(),
            _ => Vec::new(),
        }
    }
}

/// The order of `len` examples in `epoch`: a permutation that depends on nothing else but `seed`.
///
/// ```
/// let order = training_loop::epoch_order(5, 0, 42);
/// assert_eq!(order, training_loop::epoch_order(5, 0, 42));
/// assert!((0..5).all(|i| order.contains(&i)));
/// ```
pub fn epoch_order(len: usize, epoch: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(mix_seed(seed, epoch as u64)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(len: usize, size: usize) -> [BatchSampler; 2] {
        let lengths = (0..len).map(|i| 10 + (i * 7919) % 118).collect();
        [
            BatchSampler::new(len, size),
            BatchSampler::by_length(lengths, size),
        ]
    }

    proptest! {
        #[test]
        fn an_epoch_covers_each_example_once(len in 1usize..60, size in 1usize..20, epoch in 0usize..4, seed: u64) {
            for sampler in both(len, size) {
                let mut seen: Vec<usize> = (0..sampler.num_batches())
                    .flat_map(|i| sampler.indices(epoch, i, seed))
                    .collect();
                seen.sort_unstable();
                prop_assert_eq!(seen, (0..len).collect::<Vec<_>>());
            }
        }

        #[test]
        fn access_order_does_not_matter(len in 1usize..60, seed: u64) {
            for (forward, backward) in both(len, 7).into_iter().zip(both(len, 7)) {
                let a: Vec<_> = (0..3).flat_map(|e| (0..forward.num_batches()).map(move |i| (e, i))).collect();
                let one: Vec<_> = a.iter().map(|&(e, i)| forward.indices(e, i, seed)).collect();
                let mut two: Vec<_> = a.iter().rev().map(|&(e, i)| backward.indices(e, i, seed)).collect();
                two.reverse();
                prop_assert_eq!(one, two);
            }
        }
    }

    #[test]
    fn epochs_and_seeds_differ() {
        assert_ne!(epoch_order(50, 0, 1), epoch_order(50, 1, 1));
        assert_ne!(epoch_order(50, 0, 1), epoch_order(50, 0, 2));
        let [_, grouped] = both(50, 50);
        assert_ne!(
            grouped.indices(0, 0, 1),
            BatchSampler::new(50, 50).indices(0, 0, 1)
        );
        let [_, grouped] = both(1000, 4);
        assert_ne!(grouped.indices(0, 0, 1), grouped.indices(1, 0, 1));
        assert_ne!(grouped.indices(0, 0, 1), grouped.indices(0, 0, 2));
    }

    #[test]
    fn drop_last_leaves_out_the_short_batch() {
        for sampler in both(10, 4) {
            let sampler = sampler.drop_last();
            assert_eq!(sampler.num_batches(), 2);
            let sizes = [0, 1, 2].map(|i| sampler.indices(0, i, 0).len());
            assert_eq!(sizes, [4, 4, 0]);
        }
        assert_eq!(
            BatchSampler::new(10, 4).sequential().indices(3, 2, 0),
            vec![8, 9]
        );
        assert!(BatchSampler::new(10, 4).indices(0, 3, 0).is_empty());
    }

    #[test]
    fn grouping_saves_padding() {
        let lengths: Vec<usize> = (0..1003).map(|i| 10 + (i * 7919) % 118).collect();
        let tokens: usize = lengths.iter().sum();
        let padded = |sampler: &BatchSampler| -> usize {
            let batches = (0..sampler.num_batches()).map(|i| sampler.indices(0, i, 1));
            let size = |batch: Vec<usize>| {
                batch.len() * batch.iter().map(|&i| lengths[i]).max().unwrap_or(0)
            };
            batches.map(size).sum()
        };
        let grouped = BatchSampler::by_length(lengths.clone(), 8);
        assert!(padded(&grouped) < tokens * 105 / 100);
        assert!(padded(&BatchSampler::new(1003, 8)) > tokens * 140 / 100);
    }

    #[test]
    fn the_order_of_a_seed_stays() {
        // Students were trained in this order; another one would train another student.
        let lengths = (0..11).map(|i| 10 + (i * 7919) % 118).collect();
        let sampler = BatchSampler::by_length(lengths, 4);
        let epoch = |epoch| [0, 1, 2].map(|index| sampler.indices(epoch, index, 7));
        assert_eq!(
            epoch(0),
            [vec![5, 6, 7, 9], vec![3, 4, 8], vec![0, 10, 1, 2]]
        );
        assert_eq!(
            epoch(1),
            [vec![6, 0, 10], vec![1, 2, 3, 4], vec![5, 7, 8, 9]]
        );
    }
}
