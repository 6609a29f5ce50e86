//! From logits to the next token.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::CausalLmError;

/// How tokens are chosen, under the names of Hugging Face's `GenerationConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenerationConfig {
    /// Most tokens generated for a prompt. Default 128.
    pub max_new_tokens: usize,
    /// Draw tokens; otherwise the most probable one is taken. Default false.
    pub do_sample: bool,
    /// Divisor of the logits; below 1 sharpens, above 1 flattens. Default 1.0.
    pub temperature: f64,
    /// Draw among this many most probable tokens (ties with the last count); 0 is off. Default 50.
    pub top_k: usize,
    /// Draw among the fewest most probable tokens that together have this probability; 1 is off.
    /// Default 1.0.
    pub top_p: f64,
    /// Seed of the draws. Default 42.
    pub seed: u64,
    /// Keep the keys and values of earlier tokens instead of computing them anew for every token.
    /// Default true.
    pub use_cache: bool,
    /// Replies to each prompt; above 1 only with `do_sample`. Default 1.
    pub num_return_sequences: usize,
    /// Rows generated at the same time, an upper bound; memory grows with it. Default 64.
    pub batch_size: usize,
}

impl Default for GenerationConfig {
    fn default() -> Self {
        Self {
            max_new_tokens: 128,
            do_sample: false,
            temperature: 1.0,
            top_k: 50,
            top_p: 1.0,
            seed: 42,
            use_cache: true,
            num_return_sequences: 1,
            batch_size: 64,
        }
    }
}

impl GenerationConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`CausalLmError::InvalidConfig`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), CausalLmError> {
        let counts = [
            ("max_new_tokens", self.max_new_tokens),
            ("num_return_sequences", self.num_return_sequences),
            ("batch_size", self.batch_size),
        ];
        for (field, value) in counts {
            if value == 0 {
                return Err(CausalLmError::invalid(field, value, "at least 1"));
            }
        }
        if !self.do_sample && self.num_return_sequences > 1 {
            let allowed = "1 without do_sample: greedy replies to a prompt are all the same";
            let value = self.num_return_sequences;
            return Err(CausalLmError::invalid(
                "num_return_sequences",
                value,
                allowed,
            ));
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            let allowed = "a number above 0 (for greedy replies set do_sample to false)";
            return Err(CausalLmError::invalid(
                "temperature",
                self.temperature,
                allowed,
            ));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(CausalLmError::invalid("top_p", self.top_p, "in (0, 1]"));
        }
        Ok(())
    }

    /// The tokens that sampling may draw, with their probabilities, in order of their ids:
    /// temperature, then top-k, then top-p, as `transformers` applies them.
    ///
    /// # Shapes
    /// - `logits`: `[v]`
    pub fn token_distribution(&self, logits: &[f32]) -> Vec<(u32, f64)> {
        let mut weights = self.token_weights(logits);
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        for (_, weight) in &mut weights {
            *weight /= total;
        }
        weights
    }

    /// [`token_distribution`](Self::token_distribution), not normalised.
    fn token_weights(&self, logits: &[f32]) -> Vec<(u32, f64)> {
        let lowest = self.top_k_threshold(logits);
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: f32| (f64::from(logit - top) / self.temperature).exp();
        let candidates = logits
            .iter()
            .enumerate()
            .filter(|(_, logit)| **logit >= lowest);
        let mut weights: Vec<(u32, f64)> = candidates
            .map(|(id, &logit)| (id as u32, weight(logit)))
            .collect();
        if self.top_p < 1.0 {
            // Stable: of equally probable tokens the lower id comes first.
            weights.sort_by(|a, b| b.1.total_cmp(&a.1));
            let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
            let mut before = 0.0;
            let kept = weights.iter().take_while(|(_, weight)| {
                let keep = before < self.top_p * total;
                before += weight;
                keep
            });
            weights.truncate(kept.count().max(1));
            weights.sort_by_key(|(id, _)| *id);
        }
        weights
    }

    /// The `top_k`-th largest logit.
    fn top_k_threshold(&self, logits: &[f32]) -> f32 {
        if self.top_k == 0 || self.top_k >= logits.len() {
            return f32::NEG_INFINITY;
        }
        let mut sorted = logits.to_vec();
        let (_, kth, _) = sorted.select_nth_unstable_by(self.top_k - 1, |a, b| b.total_cmp(a));
        *kth
    }

    /// The next token.
    pub(crate) fn pick(&self, logits: &[f32], rng: &mut ChaCha8Rng) -> u32 {
        if !self.do_sample {
            return argmax(logits);
        }
        let weights = self.token_weights(logits);
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = rng.random::<f64>() * total;
        for (id, weight) in &weights {
            left -= weight;
            if left < 0.0 {
                return *id;
            }
        }
        // Rounding left a sliver above the last token, or the logits are not numbers.
        weights.last().map_or_else(|| argmax(logits), |(id, _)| *id)
    }
}

/// The first of the largest.
fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn sampling() -> GenerationConfig {
        GenerationConfig {
            do_sample: true,
            top_k: 0,
            ..Default::default()
        }
    }

    #[test]
    fn each_bad_field_is_named() {
        let base = GenerationConfig::default;
        let cases = [
            (
                "max_new_tokens",
                GenerationConfig {
                    max_new_tokens: 0,
                    ..base()
                },
            ),
            (
                "num_return_sequences",
                GenerationConfig {
                    num_return_sequences: 2,
                    ..base()
                },
            ),
            (
                "temperature",
                GenerationConfig {
                    temperature: 0.0,
                    ..base()
                },
            ),
            (
                "top_p",
                GenerationConfig {
                    top_p: 0.0,
                    ..base()
                },
            ),
            (
                "batch_size",
                GenerationConfig {
                    batch_size: 0,
                    ..base()
                },
            ),
        ];
        for (field, config) in cases {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{field}`")), "{message}");
        }
        base().validate().unwrap();
    }

    #[test]
    fn draws_follow_the_distribution() {
        let logits = [0.0, 1.0, 2.0, -1.0].map(|p: f32| p);
        let config = GenerationConfig {
            temperature: 0.7,
            ..sampling()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 4];
        for _ in 0..20_000 {
            counts[config.pick(&logits, &mut rng) as usize] += 1;
        }
        for (id, probability) in config.token_distribution(&logits) {
            let share = f64::from(counts[id as usize]) / 20_000.0;
            assert!(
                (share - probability).abs() < 0.015,
                "{id}: {share} for {probability}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_distribution_sums_to_one(
            logits in prop::collection::vec(-30.0f32..30.0, 1..40),
            top_k in 0usize..50, top_p in 0.01f64..=1.0, temperature in 0.1f64..5.0,
        ) {
            let config = GenerationConfig { top_k, top_p, temperature, ..sampling() };
            let distribution = config.token_distribution(&logits);
            let total: f64 = distribution.iter().map(|(_, p)| p).sum();
            prop_assert!((total - 1.0).abs() < 1e-9);
            let best = argmax(&logits);
            prop_assert!(distribution.iter().any(|(id, _)| *id == best));
        }
    }
}
