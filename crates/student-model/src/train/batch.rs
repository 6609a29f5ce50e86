//! Examples as token ids, and batches of them.

use burn::tensor::{Device, Int, Tensor, TensorData};
use crsd_loss::{NegativeMask, label_tensor};
use pair_tokenizer::{Encoding, PairTokenizer};

use super::example_check::Reads;
use super::{NegativePolicy, StudentExample, StudentReason, View, ViewBatch};
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
///
/// ```
/// # use burn::tensor::Device;
/// # use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
/// # use student_model::{StudentExample, StudentTask, StudentTrainConfig, ObjectiveConfig, View, train_wordpiece};
/// # use training_loop::TrainTask;
/// # let words = train_wordpiece(["usb mouse wireless lamp"], 60)?;
/// # let tokenizer = PairTokenizer::from_tokenizer(words, PairTokenizerConfig::default())?;
/// let examples = [StudentExample::new("usb mouse", "mouse", 0), StudentExample::new("lamp", "mouse", 1)];
/// let config = StudentTrainConfig::new().with_objective(ObjectiveConfig::CrossEntropy);
/// let task = StudentTask::new(&examples, 2, &tokenizer, &config, &Device::default())?;
/// let batch = task.batch(/* epoch */ 0, /* index */ 0, /* seed */ 7)?;
/// assert_eq!(batch.view(View::Standard)?.num_rows(), 2);
/// assert!(batch.view(View::Reasoned).is_err(), "cross entropy does not ask for it");
/// # Ok::<(), student_model::StudentError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StudentBatch {
    /// Query and item: `b` rows.
    pub standard: ViewBatch,
    /// Query, item and reason: `b` rows; `None` if the objective does not pass them.
    pub reasoned: Option<ViewBatch>,
    /// Classes, `[b]`.
    pub labels: Tensor<1, Int>,
    /// The teacher's class distributions, `[b, K]`; `None` if the objective does not ask for them.
    pub teacher_probabilities: Option<Tensor<2>>,
    /// What decides which pairs are not pushed away, `b` keys: those of equal keys.
    pub keys: Vec<String>,
    /// The same as a mask; `None`: all others are pushed away, or the objective has no reasoned view
    /// ([`NegativeMask::from_keys`] makes one of the keys).
    pub negatives: Option<NegativeMask>,
    /// Weights of the align terms by the teacher's confidence, `[b]`; `None`: 1 for all. Read by
    /// objectives that say so in [`Objective::reads_align_weights`](super::Objective::reads_align_weights).
    pub align_weights: Option<Tensor<1>>,
}

impl StudentBatch {
    /// A view of the pairs.
    ///
    /// # Errors
    /// [`StudentError::BatchLacks`] if the objective does not pass it.
    pub fn view(&self, view: View) -> Result<&ViewBatch, StudentError> {
        match view {
            View::Standard => Ok(&self.standard),
            View::Reasoned => self.reasoned.as_ref().ok_or(StudentError::BatchLacks {
                what: "reasoned view",
                asked_in: "Objective::passes",
            }),
        }
    }

    /// The teacher's class distributions.
    ///
    /// # Shapes
    /// - output: `[b, K]`
    ///
    /// # Errors
    /// [`StudentError::BatchLacks`] if the objective does not ask for them.
    pub fn teacher_distributions(&self) -> Result<Tensor<2>, StudentError> {
        let teacher = self.teacher_probabilities.clone();
        teacher.ok_or(StudentError::BatchLacks {
            what: "distributions of a teacher",
            asked_in: "Objective::needs_teacher_probabilities",
        })
    }

    /// Share of both views' positions that are padding, 0 to 1.
    pub fn padding(&self) -> f64 {
        let views = || std::iter::once(&self.standard).chain(&self.reasoned);
        let tokens: usize = views().map(|view| view.num_tokens).sum();
        let positions: usize = views().map(ViewBatch::num_positions).sum();
        1.0 - tokens as f64 / positions as f64
    }

    pub(super) fn collate(
        rows: &[&Tokens],
        reads: &Reads,
        shape: &BatchShape,
        device: &Device,
    ) -> Result<Self, StudentError> {
        let classes = shape.classes;
        let collate = |view: fn(&Tokens) -> &Encoding| {
            let view: Vec<&Encoding> = rows.iter().map(|row| view(row)).collect();
            ViewBatch::collate(&view, shape.bucket_size, shape.pad_id, device)
        };
        let labels: Vec<usize> = rows.iter().map(|row| row.label).collect();
        let standard = collate(|row| &row.standard)?;
        let keys: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
        let (mut reasoned, mut negatives) = (None, None);
        if reads.reasons {
            reasoned = Some(collate(|row| &row.reasoned)?);
            negatives = NegativeMask::from_keys(&keys, device);
        }
        let align_weights = reads.confidence.then(|| {
            let weights: Vec<f32> = rows.iter().map(|row| row.confidence).collect();
            Tensor::from_floats(weights.as_slice(), device) // [b]
        });
        let teacher_probabilities = reads.teacher_probabilities.then(|| {
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

/// What all batches of a run have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchShape {
    pub(super) classes: usize,
    /// Rows of one view that are padded together; `None`: all of a batch.
    pub(super) bucket_size: Option<usize>,
    pub(super) pad_id: u32,
}

/// The examples as token ids, with what the run reads of them.
pub(super) fn tokenise(
    examples: &[StudentExample],
    tokenizer: &PairTokenizer,
    reads: &Reads,
) -> Result<Vec<Tokens>, StudentError> {
    let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
    let standard = tokenizer.encode_pairs(&pairs)?;
    let reasoned = if reads.reasons {
        let reasons = examples.iter().map(|e| e.reason.as_ref());
        let reasons = reasons.map(|reason| reason.map_or("", StudentReason::as_str));
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
        match reads.teacher_probabilities {
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
                key: key(example, index, reads.negatives),
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
