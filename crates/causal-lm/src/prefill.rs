//! Prompts run once, so that they can be continued.

use burn::tensor::{Bool, Device, Tensor};

use crate::batch::{LmBatch, bool_tensor};
use crate::error::CausalLmError;
use crate::kv_cache::KvCache;
use crate::model::{CausalLm, Tokens};

/// The padding in front of prompts of unequal length.
#[derive(Debug)]
pub(crate) struct LeftPadding {
    /// Padding of each row.
    counts: Vec<usize>,
    /// Most tokens a row will have, padding included.
    capacity: usize,
    /// `[b, 1, 1, capacity]`, `true` where a key is padding; none if no row is padded.
    masked: Option<Tensor<4, Bool>>,
}

impl LeftPadding {
    fn new(counts: Vec<usize>, capacity: usize, device: &Device) -> Self {
        let padded = counts.iter().any(|&count| count > 0);
        let masked = padded.then(|| {
            let row = |&count: &usize| (0..capacity).map(move |key| key < count);
            let masked = counts.iter().flat_map(row).collect();
            bool_tensor(masked, [counts.len(), 1, 1, capacity], device)
        });
        Self {
            counts,
            capacity,
            masked,
        }
    }

    /// The same for these rows.
    pub(crate) fn select(&self, rows: &[u32], device: &Device) -> Self {
        let counts = rows.iter().map(|&row| self.counts[row as usize]).collect();
        Self::new(counts, self.capacity, device)
    }

    /// The mask over the first `s` keys: `[b, 1, 1, s]`, `true` where a key is padding.
    pub(crate) fn masked(&self, s: usize) -> Option<Tensor<4, Bool>> {
        self.masked
            .as_ref()
            .map(|masked| masked.clone().narrow(3, 0, s))
    }
}

/// Prompts that the decoder has seen, ready to be continued.
pub(crate) struct Prefilled {
    pub(crate) cache: KvCache,
    pub(crate) padding: LeftPadding,
    /// `[b, v]`, of the token after the prompt.
    pub(crate) logits: Tensor<2>,
}

impl Prefilled {
    /// Runs the prompts, padded on the left; the cache has room for `capacity` tokens a row.
    pub(crate) fn new(
        model: &CausalLm,
        prompts: &[Vec<u32>],
        capacity: usize,
    ) -> Result<Self, CausalLmError> {
        let device = model.device();
        let batch = LmBatch::left_padded(prompts, 0, &device)?;
        let [b, t] = batch.dims();
        let mut cache = KvCache::new(&model.config, b, capacity, &device);
        let tokens = Tokens {
            ids: batch.input_ids.clone(),
            positions: batch.position_ids.clone(),
            masked: batch.attention.masked(t, &device),
        };
        let hidden = model.decode(tokens, Some(&mut cache)); // [b, t, h]
        let counts = prompts.iter().map(|prompt| t - prompt.len()).collect();
        let padding = LeftPadding::new(counts, capacity, &device);
        Ok(Self {
            cache,
            padding,
            logits: model.logits(last(hidden)),
        })
    }
}

/// The last token's state: `[b, h]` from `[b, t, h]`.
pub(crate) fn last(hidden: Tensor<3>) -> Tensor<2> {
    let t = hidden.dims()[1];
    hidden.narrow(1, t - 1, 1).squeeze_dim::<2>(1)
}
