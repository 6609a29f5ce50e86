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
    /// look. A single token needs none. Every token, padding too, sees itself at least, so that no
    /// softmax is over nothing.
    pub(crate) fn masked(&self, t: usize, device: &Device) -> Option<Tensor<4, Bool>> {
        match self {
            _ if t == 1 => None,
            Self::Causal => Some(later(t, t, device)),
            Self::Padded { attention_mask } => {
                let itself = Tensor::<2, Bool>::diag_mask([t, t], 0, device); // false on the diagonal
                let padding = broadcast(
                    padding(attention_mask),
                    itself.reshape([1, 1, t, t]),
                    Tensor::bool_and,
                );
                Some(broadcast(later(t, t, device), padding, Tensor::bool_or))
            }
            Self::Documents { segment_ids } => {
                let query = segment_ids.clone().unsqueeze_dims::<4>(&[1, 3]); // [b, 1, t, 1]
                let key = segment_ids.clone().unsqueeze_dims::<4>(&[1, 2]); // [b, 1, 1, t]
                let [b, _, t, _] = query.dims();
                let other = query
                    .expand([b, 1, t, t])
                    .not_equal(key.expand([b, 1, t, t]));
                Some(broadcast(later(t, t, device), other, Tensor::bool_or))
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

/// Combines masks that agree up to sizes of 1.
pub(crate) fn broadcast(
    a: Tensor<4, Bool>,
    b: Tensor<4, Bool>,
    combine: impl FnOnce(Tensor<4, Bool>, Tensor<4, Bool>) -> Tensor<4, Bool>,
) -> Tensor<4, Bool> {
    let (left, right) = (a.dims(), b.dims());
    let dims: [usize; 4] = std::array::from_fn(|i| left[i].max(right[i]));
    combine(a.expand(dims), b.expand(dims))
}

/// The mask as attention needs it, made once for all layers.
#[derive(Debug)]
pub(crate) struct Masks {
    /// `[1 or b, 1, 1, t, s]`, `true` where a query must not look.
    pub(crate) masked: Tensor<5, Bool>,
    /// `[1 or b, 1, g*t, s]`, minus infinity where a query must not look and 0 elsewhere; for
    /// several queries without a graph.
    pub(crate) bias: Option<Tensor<4>>,
}

impl Masks {
    /// # Shapes
    /// - `masked`: `[1 or b, 1, t, s]`
    pub(crate) fn new(masked: Tensor<4, Bool>, group_size: usize, graph: bool) -> Self {
        let [b, _, t, s] = masked.dims();
        let masked = masked.unsqueeze_dim::<5>(1); // [b, 1, 1, t, s]
        let bias = (t > 1 && !graph).then(|| {
            let rows = masked.clone().expand([b, 1, group_size, t, s]);
            let rows = rows.reshape([b, 1, group_size * t, s]);
            Tensor::zeros([b, 1, group_size * t, s], &rows.device())
                .mask_fill(rows, f32::NEG_INFINITY)
        });
        Self { masked, bias }
    }
}
