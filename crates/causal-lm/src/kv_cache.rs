//! Keys and values of the tokens that a decoder has already seen.

use burn::tensor::{Device, Int, Tensor};

use crate::config::CausalLmConfig;

/// The cache of all layers. Memory for `capacity` tokens is taken once; a step writes its own
/// tokens only.
#[derive(Debug)]
pub(crate) struct KvCache {
    pub(crate) layers: Vec<LayerCache>,
}

/// Keys and values of one layer.
#[derive(Debug)]
pub(crate) struct LayerCache {
    /// `[b, kv, capacity, d]`.
    key: Slot,
    /// `[b, kv, capacity, d]`.
    value: Slot,
    len: usize,
}

impl KvCache {
    pub(crate) fn new(
        config: &CausalLmConfig,
        rows: usize,
        capacity: usize,
        device: &Device,
    ) -> Self {
        let shape = [
            rows,
            config.num_key_value_heads,
            capacity,
            config.head_size(),
        ];
        let layer = |_| LayerCache {
            key: Slot::zeros(shape, device),
            value: Slot::zeros(shape, device),
            len: 0,
        };
        Self {
            layers: (0..config.num_hidden_layers).map(layer).collect(),
        }
    }

    /// Tokens seen, padding included.
    pub(crate) fn len(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.len)
    }

    /// Keeps these rows, in this order; a row may stand several times.
    ///
    /// # Shapes
    /// - `rows`: `[n]`
    pub(crate) fn select(&mut self, rows: &Tensor<1, Int>) {
        for layer in &mut self.layers {
            layer.key.update(|key| key.select(0, rows.clone()));
            layer.value.update(|value| value.select(0, rows.clone()));
        }
    }
}

impl LayerCache {
    /// Adds `t` tokens; everything so far.
    ///
    /// # Shapes
    /// - `key`, `value`: `[b, kv, t, d]`
    /// - output: two of `[b, kv, len, d]`
    pub(crate) fn append(&mut self, key: Tensor<4>, value: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let (from, t) = (self.len, key.dims()[2]);
        self.len += t;
        let key = self.key.write(from, key);
        let value = self.value.write(from, value);
        (key, value)
    }
}

/// A tensor that is taken out while it is written, so that nobody else holds it and the backend
/// may write in place.
#[derive(Debug)]
struct Slot(Option<Tensor<4>>);

impl Slot {
    fn zeros(shape: [usize; 4], device: &Device) -> Self {
        Self(Some(Tensor::zeros(shape, device)))
    }

    fn update(&mut self, change: impl FnOnce(Tensor<4>) -> Tensor<4>) {
        self.0 = self.0.take().map(change);
    }

    /// Writes at `from`; everything up to the end of what was written.
    fn write(&mut self, from: usize, tokens: Tensor<4>) -> Tensor<4> {
        let [b, kv, t, d] = tokens.dims();
        let to = from + t;
        self.update(|all| all.slice_assign([0..b, 0..kv, from..to, 0..d], tokens));
        let all = self.0.clone();
        all.expect("a slot is full between two calls: a bug in causal-lm")
            .narrow(2, 0, to)
    }
}
