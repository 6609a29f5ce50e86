//! Token sequences, and batches of them.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::attention_pattern::AttentionPattern;
use crate::error::CausalLmError;

/// One row of tokens, and which of them the loss falls on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LmExample {
    /// The tokens.
    pub ids: Vec<u32>,
    /// Whether a token is a target, that is, whether its prediction from the tokens before it
    /// counts. The first token of a row or document has none before it and never counts.
    pub loss_mask: Vec<bool>,
    /// The document of each token, in a row of several; a document's tokens stand together.
    /// Positions restart and attention ends where the number changes.
    pub segment_ids: Option<Vec<u32>>,
}

impl LmExample {
    /// A text of which every token counts.
    pub fn new(ids: Vec<u32>) -> Self {
        Self {
            loss_mask: vec![true; ids.len()],
            ids,
            segment_ids: None,
        }
    }

    /// A prompt and a completion; only the completion counts.
    pub fn completion(prompt: &[u32], completion: &[u32]) -> Self {
        let mut loss_mask = vec![false; prompt.len()];
        loss_mask.resize(prompt.len() + completion.len(), true);
        Self {
            ids: [prompt, completion].concat(),
            loss_mask,
            segment_ids: None,
        }
    }

    /// Several texts in one row, each its own document. A text that is packed already stays so.
    pub fn packed(texts: &[LmExample]) -> Self {
        let mut row = Self {
            ids: Vec::new(),
            loss_mask: Vec::new(),
            segment_ids: None,
        };
        let mut segments = Vec::new();
        let mut next = 0;
        for text in texts {
            row.ids.extend(&text.ids);
            row.loss_mask.extend(&text.loss_mask);
            let documents = text.documents();
            segments.extend(documents.iter().map(|document| next + document));
            next += documents.last().map_or(0, |last| last + 1);
        }
        row.segment_ids = Some(segments);
        row
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many tokens the loss falls on.
    pub fn num_targets(&self) -> usize {
        let documents = self.documents();
        let counts = |i: &usize| self.loss_mask[*i] && documents[*i] == documents[*i - 1];
        (1..self.len()).filter(counts).count()
    }

    /// The document of each token, numbered from 0.
    fn documents(&self) -> Vec<u32> {
        let Some(segments) = &self.segment_ids else {
            return vec![0; self.len()];
        };
        let mut documents = Vec::with_capacity(segments.len());
        for (i, segment) in segments.iter().enumerate() {
            documents.push(match i {
                0 => 0,
                _ => documents[i - 1] + u32::from(*segment != segments[i - 1]),
            });
        }
        documents
    }

    fn check(&self, row: usize) -> Result<(), CausalLmError> {
        let expected = self.ids.len();
        if expected == 0 {
            return Err(CausalLmError::EmptyRow { row });
        }
        let segments = self.segment_ids.as_ref().map_or(expected, Vec::len);
        for (field, found) in [
            ("loss_mask", self.loss_mask.len()),
            ("segment_ids", segments),
        ] {
            if found != expected {
                return Err(CausalLmError::LengthMismatch {
                    row,
                    field,
                    found,
                    expected,
                });
            }
        }
        Ok(())
    }
}

/// A batch of rows of the same length.
///
/// # Shapes
/// `b` rows, `t` tokens.
#[derive(Debug, Clone)]
pub struct LmBatch {
    /// `[b, t]`, tokens.
    pub input_ids: Tensor<2, Int>,
    /// `[b, t]`, positions, from 0 in each document.
    pub position_ids: Tensor<2, Int>,
    /// Which token may look at which.
    pub attention: AttentionPattern,
    /// `[b, t]`, `true` where a token is a target.
    pub loss_mask: Tensor<2, Bool>,
    pub(crate) targets: Targets,
    /// The largest token id, and its row.
    pub(crate) max_id: (u32, usize),
}

/// The `n` targets of a batch, known on the host so that the head is computed for them alone.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    /// `[n]`, the token before each target, as an index into the `b * t` tokens.
    pub(crate) predictors: Tensor<1, Int>,
    /// `[n]`, the target's id.
    pub(crate) ids: Tensor<1, Int>,
    /// `[n]`, the target's row.
    pub(crate) rows: Tensor<1, Int>,
    /// Targets in each row.
    pub(crate) counts: Vec<usize>,
}

impl Targets {
    /// All targets of the batch.
    pub(crate) fn len(&self) -> usize {
        self.counts.iter().sum()
    }
}

impl LmBatch {
    /// Rows of unequal length, filled up on the right with `pad_id`. Padding is no target.
    ///
    /// # Errors
    /// [`CausalLmError::EmptyBatch`], [`CausalLmError::EmptyRow`] or
    /// [`CausalLmError::LengthMismatch`].
    pub fn collate(
        examples: &[LmExample],
        pad_id: u32,
        device: &Device,
    ) -> Result<Self, CausalLmError> {
        for (row, example) in examples.iter().enumerate() {
            example.check(row)?;
        }
        let t = longest(examples.iter().map(LmExample::len))?;
        let mut host = HostBatch::new(examples.len(), t, pad_id);
        for (row, example) in examples.iter().enumerate() {
            host.fill(row, example);
        }
        Ok(host.into_batch(examples, device))
    }

    /// Prompts of unequal length, filled up on the left with `pad_id`, so that all end together.
    /// Nothing is a target.
    ///
    /// # Errors
    /// [`CausalLmError::EmptyBatch`] or [`CausalLmError::EmptyRow`].
    pub fn left_padded(
        prompts: &[Vec<u32>],
        pad_id: u32,
        device: &Device,
    ) -> Result<Self, CausalLmError> {
        if let Some(row) = prompts.iter().position(Vec::is_empty) {
            return Err(CausalLmError::EmptyRow { row });
        }
        let (b, t) = (prompts.len(), longest(prompts.iter().map(Vec::len))?);
        let mut ids = vec![pad_id; b * t];
        let mut positions = vec![0; b * t];
        let mut real = vec![false; b * t];
        for (row, prompt) in prompts.iter().enumerate() {
            let start = row * t + t - prompt.len();
            for (position, &id) in prompt.iter().enumerate() {
                ids[start + position] = id;
                positions[start + position] = position as u32;
                real[start + position] = true;
            }
        }
        let attention = if prompts.iter().all(|prompt| prompt.len() == t) {
            AttentionPattern::Causal
        } else {
            let attention_mask = bool_tensor(real, [b, t], device);
            AttentionPattern::Padded { attention_mask }
        };
        Ok(Self {
            max_id: largest(&ids, t),
            input_ids: int_tensor(ids, [b, t], device),
            position_ids: int_tensor(positions, [b, t], device),
            attention,
            loss_mask: bool_tensor(vec![false; b * t], [b, t], device),
            targets: Targets {
                predictors: int_tensor(Vec::new(), [0], device),
                ids: int_tensor(Vec::new(), [0], device),
                rows: int_tensor(Vec::new(), [0], device),
                counts: vec![0; b],
            },
        })
    }

    /// Rows and tokens a row: `[b, t]`.
    pub fn dims(&self) -> [usize; 2] {
        self.input_ids.dims()
    }

    /// How many tokens of each row the loss falls on.
    pub fn num_targets(&self) -> &[usize] {
        &self.targets.counts
    }

    /// # Errors
    /// [`CausalLmError::TokenId`] if a token is outside the vocabulary.
    pub(crate) fn check_vocabulary(&self, vocab_size: usize) -> Result<(), CausalLmError> {
        match self.max_id {
            (id, row) if id as usize >= vocab_size => Err(CausalLmError::TokenId {
                row,
                id,
                vocab_size,
            }),
            _ => Ok(()),
        }
    }
}

/// The batch before it goes to the device.
struct HostBatch {
    b: usize,
    t: usize,
    ids: Vec<u32>,
    positions: Vec<u32>,
    segments: Vec<u32>,
    loss_mask: Vec<bool>,
    predictors: Vec<u32>,
    target_ids: Vec<u32>,
    target_rows: Vec<u32>,
    counts: Vec<usize>,
}

impl HostBatch {
    fn new(b: usize, t: usize, pad_id: u32) -> Self {
        Self {
            b,
            t,
            ids: vec![pad_id; b * t],
            positions: vec![0; b * t],
            // Padding is a document of its own, and so looks at something.
            segments: vec![i32::MAX as u32; b * t],
            loss_mask: vec![false; b * t],
            predictors: Vec::new(),
            target_ids: Vec::new(),
            target_rows: Vec::new(),
            counts: Vec::with_capacity(b),
        }
    }

    fn fill(&mut self, row: usize, example: &LmExample) {
        let start = row * self.t;
        let documents = example.documents();
        let before = self.predictors.len();
        for (i, &id) in example.ids.iter().enumerate() {
            let here = start + i;
            self.ids[here] = id;
            self.segments[here] = documents[i];
            if i == 0 || documents[i] != documents[i - 1] {
                continue;
            }
            self.positions[here] = self.positions[here - 1] + 1;
            if example.loss_mask[i] {
                self.loss_mask[here] = true;
                self.predictors.push((here - 1) as u32);
                self.target_ids.push(id);
                self.target_rows.push(row as u32);
            }
        }
        self.counts.push(self.predictors.len() - before);
    }

    fn into_batch(self, examples: &[LmExample], device: &Device) -> LmBatch {
        let shape = [self.b, self.t];
        let packed = |example: &LmExample| example.documents().last().is_some_and(|&last| last > 0);
        let attention = if examples.iter().any(packed) {
            let segment_ids = int_tensor(self.segments, shape, device);
            AttentionPattern::Documents { segment_ids }
        } else {
            AttentionPattern::Causal
        };
        let n = self.predictors.len();
        LmBatch {
            max_id: largest(&self.ids, self.t),
            input_ids: int_tensor(self.ids, shape, device),
            position_ids: int_tensor(self.positions, shape, device),
            attention,
            loss_mask: bool_tensor(self.loss_mask, shape, device),
            targets: Targets {
                predictors: int_tensor(self.predictors, [n], device),
                ids: int_tensor(self.target_ids, [n], device),
                rows: int_tensor(self.target_rows, [n], device),
                counts: self.counts,
            },
        }
    }
}

/// The length of the longest row.
fn longest(lengths: impl Iterator<Item = usize>) -> Result<usize, CausalLmError> {
    lengths.max().ok_or(CausalLmError::EmptyBatch)
}

fn largest(ids: &[u32], t: usize) -> (u32, usize) {
    let largest = ids.iter().enumerate().max_by_key(|&(_, id)| *id);
    largest.map_or((0, 0), |(at, &id)| (id, at / t))
}

pub(crate) fn int_tensor<const D: usize>(
    values: Vec<u32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    let values: Vec<i64> = values.into_iter().map(i64::from).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

pub(crate) fn bool_tensor<const D: usize>(
    values: Vec<bool>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Bool> {
    Tensor::from_data(TensorData::new(values, shape), device)
}
