//! Which token may look at which.

use burn::tensor::{Bool, Device, Int, Tensor};

/// Which token of a row may look at which. A token never looks at a later one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AttentionPattern {
    /// All earlier tokens. This also serves rows that are padded on the right: padding comes after
    /// the real tokens, so none of them sees it.
    Causal,
    /// All earlier tokens that are real: rows padded on the left.
    Padded {
        /// `[b, t]`, `true` where a token is real.
        attention_mask: Tensor<2, Bool>,
    },
    /// Earlier tokens of the same document: several documents packed into a row.
    Documents {
        /// `[b, t]`, the document of each token.
        segment_ids: Tensor<2, Int>,
    },
}

impl AttentionPattern {
    /// The mask over `t` tokens without a cache: `[1 or b, 1, t, t]`, `true` where a token must not
    /// look. A single token needs none.
    pub(crate) fn masked(&self, t: usize, device: &Device) -> Option<Tensor<4, Bool>> {
        let later = || later(t, t, device);
        match self {
            Self::Causal if t == 1 => None,
            Self::Causal => Some(later()),
            Self::Padded { attention_mask } => {
                Some(later().bool_or_broadcast(padding(attention_mask)))
            }
            Self::Documents { segment_ids } => {
                let query = segment_ids.clone().unsqueeze_dims::<4>(&[1, 3]); // [b, 1, t, 1]
                let key = segment_ids.clone().unsqueeze_dims::<4>(&[1, 2]); // [b, 1, 1, t]
                let [b, _, t, _] = query.dims();
                let other = query
                    .expand([b, 1, t, t])
                    .not_equal(key.expand([b, 1, t, t]));
                Some(later().bool_or_broadcast(other))
            }
        }
    }
}

/// What `t` tokens that end a sequence of `s` must not see because it comes later: `[1, 1, t, s]`.
pub(crate) fn later(t: usize, s: usize, device: &Device) -> Tensor<4, Bool> {
    let query = Tensor::<1, Int>::arange((s - t) as i64..s as i64, device).reshape([t, 1]);
    let key = Tensor::<1, Int>::arange(0..s as i64, device).reshape([1, s]);
    let later = key.expand([t, s]).greater(query.expand([t, s])); // [t, s]
    later.reshape([1, 1, t, s])
}

/// Which keys are padding: `[b, 1, 1, s]` from `[b, s]`, `true` where a token is real.
fn padding(attention_mask: &Tensor<2, Bool>) -> Tensor<4, Bool> {
    let [b, s] = attention_mask.dims();
    attention_mask.clone().bool_not().reshape([b, 1, 1, s])
}

/// An `or` of masks that agree on `[_, 1, _, s]` up to sizes of 1.
pub(crate) trait BroadcastOr {
    fn bool_or_broadcast(self, other: Self) -> Self;
}

impl BroadcastOr for Tensor<4, Bool> {
    fn bool_or_broadcast(self, other: Self) -> Self {
        let (a, b) = (self.dims(), other.dims());
        let dims: [usize; 4] = std::array::from_fn(|i| a[i].max(b[i]));
        self.expand(dims).bool_or(other.expand(dims))
    }
}
