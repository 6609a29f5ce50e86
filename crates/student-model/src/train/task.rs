//! One training step: batches of both views, the objective, and what is logged.

use std::sync::Mutex;

use burn::tensor::{Device, Int, Tensor};
use crsd_loss::{
    CrsdInput, CrsdLoss, CrsdLossConfig, Diagnostics, NegativeMask, cross_entropy, label_tensor,
};
use relevance_data::{BatchSampler, Encoding, PairTokenizer, TokenBatch};
use training_loop::{StepContext, StepOutput, TrainTask};

use super::example::check_examples;
use super::{NegativePolicy, Objective, StudentExample, StudentTrainConfig};
use crate::{BertForSequenceClassification, ClassifierOutput, StudentError};

/// A student's training data and objective, as [`training_loop::Trainer`] takes them.
///
/// [`train_student`](crate::train_student) is the way to use it; on its own it serves another loop.
#[derive(Debug)]
pub struct StudentTask {
    config: StudentTrainConfig,
    crsd: Option<(CrsdLossConfig, CrsdLoss)>,
    examples: Vec<Tokens>,
    classes: usize,
    sampler: BatchSampler,
    /// The last epoch asked for, so that an epoch is sampled once and not once a batch.
    epoch: Mutex<Option<(usize, Vec<Vec<usize>>)>>,
    pad_id: u32,
    device: Device,
}

/// An example as token ids.
#[derive(Debug)]
struct Tokens {
    standard: Encoding,
    /// Empty without CRSD.
    reasoned: Encoding,
    label: usize,
    /// Equal keys are not negatives of each other.
    key: String,
}

/// Both views of some pairs, each padded to its own longest row.
#[derive(Debug, Clone)]
pub struct StudentBatch {
    /// Query and item, `[b, t]`.
    pub standard: TokenBatch,
    /// Query, item and reason, `[b, t']`; `None` if the objective does not read reasons.
    pub reasoned: Option<TokenBatch>,
    /// Classes, `[b]`.
    pub labels: Tensor<1, Int>,
    /// Pairs that are not pushed away; `None`: all others are.
    pub negatives: Option<NegativeMask>,
}

impl StudentTask {
    /// Tokenises `examples` for a model with `classes` classes; batches will be on `device`.
    ///
    /// # Errors
    /// [`StudentError::NoExamples`]; [`StudentError::Example`] names an example whose label is no
    /// class, whose query is empty, or which lacks a reason under CRSD;
    /// [`StudentError::InvalidConfig`], [`StudentError::Loss`], [`StudentError::Train`] for a bad
    /// configuration.
    pub fn new(
        examples: &[StudentExample],
        classes: usize,
        tokenizer: &PairTokenizer,
        config: &StudentTrainConfig,
        device: &Device,
    ) -> Result<Self, StudentError> {
        config.validate()?;
        let crsd = match &config.objective {
            Objective::CrossEntropy => None,
            Objective::Crsd(loss) => Some((loss.clone(), loss.init()?)),
        };
        check_examples(examples, classes, crsd.is_some())?;
        let examples = tokenise(examples, tokenizer, config, crsd.is_some())?;
        let lengths = examples.iter().map(|e| e.standard.len() + e.reasoned.len());
        let sampler = BatchSampler::new(
            lengths.collect(),
            config.train_batch_size,
            config.training.seed,
        )?
        .with_group_by_length(config.group_by_length);
        Ok(Self {
            config: config.clone(),
            crsd,
            examples,
            classes,
            sampler,
            epoch: Mutex::new(None),
            pad_id: tokenizer.pad_id(),
            device: device.clone(),
        })
    }

    fn rows(&self, epoch: usize, index: usize) -> Vec<usize> {
        // A poisoned lock only means that another thread panicked: the epoch is sampled anew.
        let mut cached = self.epoch.lock().unwrap_or_else(|e| e.into_inner());
        match &mut *cached {
            Some((cached_epoch, batches)) if *cached_epoch == epoch => batches[index].clone(),
            _ => {
                let batches = self.sampler.epoch(epoch);
                let rows = batches[index].clone();
                *cached = Some((epoch, batches));
                rows
            }
        }
    }

    /// Whether `context` is a step whose entry in the log is about to be written.
    fn is_logged(&self, context: &StepContext) -> bool {
        let done = context.step + 1;
        done.is_multiple_of(self.config.training.logging_steps) || done == context.max_steps
    }

    fn cross_entropy_step(
        &self,
        standard: ClassifierOutput,
        labels: Tensor<1, Int>,
    ) -> Result<StepOutput, StudentError> {
        let accuracy = accuracy(&standard.logits, &labels);
        let loss = cross_entropy(standard.logits, labels)?.mean();
        Ok(StepOutput::new(loss.clone())
            .with_tensor_metric("loss_sce", loss)
            .with_tensor_metric("accuracy", accuracy))
    }

    fn crsd_step(
        &self,
        (config, loss): &(CrsdLossConfig, CrsdLoss),
        views: [ClassifierOutput; 2],
        labels: Tensor<1, Int>,
        negatives: Option<NegativeMask>,
        context: &StepContext,
    ) -> Result<StepOutput, StudentError> {
        let [standard, reasoned] = views;
        let scale = config
            .lambda_schedule(context.max_steps)
            .scale(context.step);
        let accuracies = [
            accuracy(&standard.logits, &labels),
            accuracy(&reasoned.logits, &labels),
        ];
        let logged = self.is_logged(context);
        let representations = logged.then(|| (standard.cls.clone(), reasoned.cls.clone()));
        let input = CrsdInput {
            standard_logits: standard.logits,
            reasoned_logits: reasoned.logits,
            standard: standard.cls,
            reasoned: reasoned.cls,
            labels,
            negatives: negatives.clone(),
        };
        let terms = loss.forward(input, scale)?;
        let [standard_accuracy, reasoned_accuracy] = accuracies;
        let mut output = StepOutput::new(terms.per_example.mean())
            .with_tensor_metric("loss_sce", terms.standard_ce.mean())
            .with_tensor_metric("loss_tce", terms.reasoned_ce.mean())
            .with_tensor_metric("loss_align", terms.align.mean())
            .with_tensor_metric("accuracy", standard_accuracy)
            .with_tensor_metric("accuracy_reasoned", reasoned_accuracy)
            .with_metric("lambda", config.lambda * scale);
        if let Some((standard, reasoned)) = representations {
            // Waits for the device, hence not at every step.
            let seen = Diagnostics::measure(standard, reasoned, negatives.as_ref())?;
            let undefined = f64::NAN; // left out of the log
            output = output
                .with_metric("diagonal_accuracy", seen.diagonal_accuracy)
                .with_metric("alignment", seen.alignment)
                .with_metric("uniformity", seen.uniformity_standard.unwrap_or(undefined))
                .with_metric("positive_similarity", seen.mean_positive_similarity)
                .with_metric(
                    "negative_similarity",
                    seen.mean_negative_similarity.unwrap_or(undefined),
                );
        }
        Ok(output)
    }
}

impl TrainTask for StudentTask {
    type Model = BertForSequenceClassification;
    type Batch = StudentBatch;
    type Error = StudentError;

    fn num_batches(&self) -> usize {
        self.sampler.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, _: u64) -> Result<StudentBatch, StudentError> {
        let rows = self.rows(epoch, index);
        let rows: Vec<&Tokens> = rows.into_iter().map(|i| &self.examples[i]).collect();
        let collate = |view: fn(&Tokens) -> &Encoding| {
            let view: Vec<&Encoding> = rows.iter().map(|row| view(row)).collect();
            TokenBatch::collate(&view, self.pad_id, &self.device).map_err(StudentError::from)
        };
        let labels: Vec<usize> = rows.iter().map(|row| row.label).collect();
        let standard = collate(|row| &row.standard)?;
        let (mut reasoned, mut negatives) = (None, None);
        if self.crsd.is_some() {
            reasoned = Some(collate(|row| &row.reasoned)?);
            if self.config.negatives != NegativePolicy::All {
                let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
                negatives = NegativeMask::from_keys(&keys, &self.device);
            }
        }
        Ok(StudentBatch {
            standard,
            reasoned,
            labels: label_tensor(&labels, self.classes, &self.device)?,
            negatives,
        })
    }

    fn step(
        &self,
        model: &BertForSequenceClassification,
        batch: StudentBatch,
        context: &StepContext,
    ) -> Result<StepOutput, StudentError> {
        let [pairs, _] = batch.standard.dims();
        let standard = model.forward(&batch.standard);
        let output = match (&self.crsd, &batch.reasoned) {
            (Some(crsd), Some(reasoned)) => {
                let views = [standard, model.forward(reasoned)];
                self.crsd_step(crsd, views, batch.labels, batch.negatives, context)
            }
            _ => self.cross_entropy_step(standard, batch.labels),
        };
        Ok(output?.with_num_items(pairs))
    }

    /// What must not change between a checkpoint and the run that resumes from it.
    fn config(&self) -> serde_json::Value {
        let tokens = |view: fn(&Tokens) -> &Encoding| {
            self.examples.iter().map(|e| view(e).len()).sum::<usize>()
        };
        serde_json::json!({
            "objective": self.config.objective,
            "train_batch_size": self.config.train_batch_size,
            "group_by_length": self.config.group_by_length,
            "negatives": self.config.negatives,
            "examples": self.examples.len(),
            "standard_tokens": tokens(|e| &e.standard),
            "reasoned_tokens": tokens(|e| &e.reasoned),
        })
    }
}

fn tokenise(
    examples: &[StudentExample],
    tokenizer: &PairTokenizer,
    config: &StudentTrainConfig,
    with_reasons: bool,
) -> Result<Vec<Tokens>, StudentError> {
    let pairs: Vec<_> = examples.iter().map(|e| (&*e.query, &*e.item)).collect();
    let standard = tokenizer.encode_pairs(&pairs)?;
    let reasoned = if with_reasons {
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
    let views = standard.into_iter().zip(reasoned);
    let tokens = examples
        .iter()
        .zip(views)
        .map(|(example, (standard, reasoned))| Tokens {
            standard,
            reasoned,
            label: example.label,
            key: key(example, config.negatives),
        });
    Ok(tokens.collect())
}

/// What two pairs must share not to be negatives of each other.
fn key(example: &StudentExample, policy: NegativePolicy) -> String {
    match policy {
        NegativePolicy::All => String::new(),
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        NegativePolicy::ExceptDuplicates => {
            format!("{} {}{}", example.query.len(), example.query, example.item)
        }
        NegativePolicy::ExceptSameQuery => example.query_key.clone(),
        NegativePolicy::ExceptSameItem => example.item.clone(),
        NegativePolicy::ExceptSameLabel => example.label.to_string(),
    }
}

/// Share of rows whose largest logit is the label's, `[1]`.
fn accuracy(logits: &Tensor<2>, labels: &Tensor<1, Int>) -> Tensor<1> {
    let predicted = logits
        .clone()
        .without_autodiff()
        .argmax(1)
        .squeeze_dim::<1>(1); // [b]
    predicted
        .equal(labels.clone().without_autodiff())
        .float()
        .mean()
}
