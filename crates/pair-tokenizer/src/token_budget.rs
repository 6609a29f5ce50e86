//! Batches under a token budget.

use crate::PairTokenizerError;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// How many examples are sorted by length together.
const WINDOW: usize = 4096;

/// Shuffled batches of examples of like length, each as large as a budget of tokens allows, padding
/// included: many short examples or few long ones, at the same cost.
///
/// An epoch is a pure function of the lengths, the settings and its number.
/// How many batches an epoch has differs a little from epoch to epoch.
///
/// ```
/// let sampler = pair_tokenizer::TokenBudgetSampler::new(vec![3, 9, 4, 8, 5], 18, 7)?;
/// for batch in sampler.epoch(0) {
///     let longest = batch.iter().map(|&i| [3, 9, 4, 8, 5][i]).max().unwrap();
///     assert!(batch.len() * longest <= 18);
/// }
/// # Ok::<(), pair_tokenizer::PairTokenizerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenBudgetSampler {
    lengths: Vec<usize>,
    max_tokens: usize,
    max_rows: usize,
    seed: u64,
}

impl TokenBudgetSampler {
    /// A sampler over examples with these lengths; a batch holds at most `max_tokens` tokens, counted as
    /// its rows times its longest.
    ///
    /// # Errors
    /// [`PairTokenizerError::InvalidConfig`] without an example, or if the longest example alone is above the
    /// budget.
    pub fn new(
        lengths: Vec<usize>,
        max_tokens: usize,
        seed: u64,
    ) -> Result<Self, PairTokenizerError> {
        let Some(&longest) = lengths.iter().max() else {
            return Err(PairTokenizerError::InvalidConfig {
                field: "lengths",
                value: "empty".to_owned(),
                allowed: "that of 1 example at least".to_owned(),
            });
        };
        if longest > max_tokens {
            return Err(PairTokenizerError::InvalidConfig {
                field: "max_tokens",
                value: max_tokens.to_string(),
                allowed: format!("at least {longest}, the longest example"),
            });
        }
        Ok(Self {
            lengths,
            max_tokens,
            max_rows: usize::MAX,
            seed,
        })
    }

    /// Sets how many rows a batch has at most, however short they are (default: any number; 0 counts
    /// as 1).
    #[must_use]
    pub fn with_max_rows(mut self, max_rows: usize) -> Self {
        self.max_rows = max_rows.max(1);
        self
    }

    /// The batches of an epoch, as positions in `lengths`.
    pub fn epoch(&self, epoch: usize) -> Vec<Vec<usize>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch as u64);
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        order.shuffle(&mut random);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        for window in order.chunks_mut(WINDOW) {
            window.sort_by_key(|&example| self.lengths[example]);
            let mut batch: Vec<usize> = Vec::new();
            for &example in window.iter() {
                // Ascending lengths: the newest is the longest.
                let cost = (batch.len() + 1).saturating_mul(self.lengths[example]);
                if !batch.is_empty() && (cost > self.max_tokens || batch.len() == self.max_rows) {
                    batches.push(std::mem::take(&mut batch));
                }
                batch.push(example);
            }
            batches.push(batch);
        }
        batches.shuffle(&mut random);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn an_epoch_holds_every_example_once_within_the_budget(
            lengths in prop::collection::vec(1_usize..60, 1..200),
            extra in 0_usize..300,
            max_rows in 1_usize..20,
            seed: u64,
        ) {
            let budget = 60 + extra;
            let sampler = TokenBudgetSampler::new(lengths.clone(), budget, seed).unwrap();
            let sampler = sampler.with_max_rows(max_rows);
            for epoch in 0..2 {
                let batches = sampler.epoch(epoch);
                prop_assert_eq!(&batches, &sampler.epoch(epoch));
                for batch in &batches {
                    let longest = batch.iter().map(|&i| lengths[i]).max().unwrap();
                    prop_assert!(batch.len() * longest <= budget && batch.len() <= max_rows);
                }
                let mut all = batches.concat();
                all.sort_unstable();
                prop_assert!(all.into_iter().eq(0..lengths.len()));
            }
        }
    }

    #[test]
    fn little_is_padded() {
        let lengths: Vec<usize> = (0..5000).map(|i| 10 + (i * 7919) % 118).collect();
        let tokens: usize = lengths.iter().sum();
        let sampler = TokenBudgetSampler::new(lengths.clone(), 2048, 1).unwrap();
        let width = |batch: &Vec<usize>| batch.iter().map(|&i| lengths[i]).max().unwrap_or(0);
        let padded: usize = sampler.epoch(0).iter().map(|b| b.len() * width(b)).sum();
        assert!(padded < tokens * 103 / 100, "{padded} for {tokens}");
    }

    #[test]
    fn an_example_above_the_budget_is_refused() {
        let error = TokenBudgetSampler::new(vec![9, 120], 100, 1).unwrap_err();
        assert!(error.to_string().contains("at least 120"), "{error}");
        assert!(TokenBudgetSampler::new(vec![], 100, 1).is_err());
    }
}
