//! Examples as token ids, and batches of them.

use burn::tensor::{Device, Int, Tensor, TensorData};
use crsd_loss::{NegativeMask, label_tensor};
use pair_tokenizer::{Encoding, PairTokenizer};

use super::{NegativePolicy, StudentExample, StudentTrainConfig, ViewBatch};
use crate::StudentError;

/// An example as token ids.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) standard: Encoding,
    /// Empty where the objective reads no reason.
    pub(super) reasoned: Encoding,
    label: usize,
    /// Empty where the objective does not read it.
    teacher_probabilities: Vec<f32>,
    /// Equal keys are not negatives of each other.
    key: String,
    /// The teacher's confidence; 1 where the configuration does not ask for it.
    confidence: f32,
}

/// Both views of some pairs, each padded by itself.
#[derive(Debug, Clone)]
pub struct StudentBatch {
    /// Query and item: `b` rows.
    pub standard: ViewBatch,
    /// Query, item and reason: `b` rows; `None` if the objective does not read reasons.
    pub reasoned: Option<ViewBatch>,
    /// Classes, `[b]`.
    pub labels: Tensor<1, Int>,
    /// The teacher's class distributions, `[b, K]`; `None` if the objective does not read them.
    pub teacher_probabilities: Option<Tensor<2>>,
    /// What decides which pairs are not pushed away, `b` keys: those of equal keys.
    pub keys: Vec<String>,
    /// The same as a mask; `None`: all others are pushed away.
    pub negatives: Option<NegativeMask>,
    /// Weights of the align terms by the teacher's confidence, `[b]`; `None`: 1 for all.
    pub align_weights: Option<Tensor<1>>,
}

impl StudentBatch {
    /// Share of both views' positions that are padding, 0 to 1.
    pub fn padding(&self) -> f64 {
        let views = || std::iter::once(&self.standard).chain(&self.reasoned);
        let tokens: usize = views().map(|view| view.num_tokens).sum();
        let positions: usize = views().map(ViewBatch::num_positions).sum();
        1.0 - tokens as f64 / positions as f64
    }

    pub(super) fn collate(
        rows: &[&Tokens],
        config: &StudentTrainConfig,
        classes: usize,
        pad_id: u32,
        device: &Device,
    ) -> Result<Self, StudentError> {
        let collate = |view: fn(&Tokens) -> &Encoding| {
            let view: Vec<&Encoding> = rows.iter().map(|row| view(row)).collect();
            ViewBatch::collate(&view, config.bucket_size(), pad_id, device)
        };
        let labels: Vec<usize> = rows.iter().map(|row| row.label).collect();
        let standard = collate(|row| &row.standard)?;
        let keys: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
        let (mut reasoned, mut negatives) = (None, None);
        if config.objective.needs_reasons() {
            reasoned = Some(collate(|row| &row.reasoned)?);
            negatives = NegativeMask::from_keys(&keys, device);
        }
        let align_weights = config.weigh_by_confidence.then(|| {
            let weights: Vec<f32> = rows.iter().map(|row| row.confidence).collect();
            Tensor::from_floats(weights.as_slice(), device) // [b]
        });
        let teacher_probabilities = config.objective.needs_teacher_probabilities().then(|| {
            let flat: Vec<f32> = rows
                .iter()
                .flat_map(|row| row.teacher_probabilities.iter().copied())
                .collect();
            Tensor::from_data(TensorData::new(flat, [rows.len(), classes]), device) // [b, K]
        });
        Ok(Self {
            standard,
            reasoned,
            labels: label_tensor(&labels, classes, device)?,
            teacher_probabilities,
            keys,
            negatives,
            align_weights,
        })
    }
}

/// The examples as token ids, with what the objective reads of them.
pub(super) fn tokenise(
    examples: &[StudentExample],
    tokenizer: &PairTokenizer,
    config: &StudentTrainConfig,
) -> Result<Vec<Tokens>, StudentError> {
    let objective = &config.objective;
    let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
    let standard = tokenizer.encode_pairs(&pairs)?;
    let reasoned = if objective.needs_reasons() {
        let reasons = examples
            .iter()
            .map(|e| e.stated_reason().unwrap_or_default());
        let triples = pairs
            .iter()
            .zip(reasons)
            .map(|(&(query, item), reason)| (query, item, reason));
        tokenizer.encode_reasoned_pairs(&triples.collect::<Vec<_>>())?
    } else {
        vec![Encoding::default(); examples.len()]
    };
    let distribution = |example: &StudentExample| {
        let given = example.teacher_probabilities.clone();
        match objective.needs_teacher_probabilities() {
            true => given.unwrap_or_default(),
            false => Vec::new(),
        }
    };
    let views = standard.into_iter().zip(reasoned);
    let tokens =
        examples
            .iter()
            .zip(views)
            .enumerate()
            .map(|(index, (example, (standard, reasoned)))| Tokens {
                standard,
                reasoned,
                label: example.label,
                teacher_probabilities: distribution(example),
                key: key(example, index, config.negatives),
                confidence: example.teacher_confidence.unwrap_or(1.0),
            });
    Ok(tokens.collect())
}

/// What two pairs must share not to be negatives of each other.
fn key(example: &StudentExample, index: usize, policy: NegativePolicy) -> String {
    match policy {
        // Like itself alone: of a memory queue, too, its own entry is no negative.
        NegativePolicy::All => index.to_string(),
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        NegativePolicy::ExceptDuplicates => {
            format!("{} {}{}", example.query.len(), example.query, example.item)
        }
        NegativePolicy::ExceptSameQuery => example.query_key.clone(),
        NegativePolicy::ExceptSameItem => example.item.clone(),
        NegativePolicy::ExceptSameLabel => example.label.to_string(),
    }
}
