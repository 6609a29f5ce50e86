//! Token ids and segment ids.

/// One view of one pair as token ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Encoding {
    /// Token ids, special ones included.
    pub ids: Vec<u32>,
    /// Segment ids, as many as `ids`: 0 from `[CLS]` to the first `[SEP]`, 1 after it; all 0 in
    /// RoBERTa's template.
    pub type_ids: Vec<u32>,
}

impl Encoding {
    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}
