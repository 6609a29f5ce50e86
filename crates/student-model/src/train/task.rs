//! A student's training data and objective, as the loop takes them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use burn::tensor::Device;
use crsd_loss::CrsdLoss;
use pair_tokenizer::{Encoding, PairTokenizer};
use training_loop::{BatchSampler, StepContext, StepOutput, TrainTask};

use super::batch::{Tokens, tokenise};
use super::example::check_examples;
use super::passes::{PassOutput, Passes, cached_step, whole_step};
use super::queue::StudentQueue;
use super::steps::{Crsd, cross_entropy_step, crsd_step, logit_kd_step, r_drop_step};
use super::{Objective, StudentBatch, StudentExample, StudentModule, StudentTrainConfig};
use crate::{BertForSequenceClassification, StudentError};

/// A student's training data and objective, as [`training_loop::Trainer`] takes them.
///
/// [`train_student`](crate::train_student) is the way to use it; on its own it serves another loop.
#[derive(Debug)]
pub struct StudentTask {
    config: StudentTrainConfig,
    crsd: Option<CrsdLoss>,
    examples: Vec<Tokens>,
    classes: usize,
    sampler: BatchSampler,
    evaluator: Option<Evaluator>,
    /// Under an objective that has one.
    queue: Option<Mutex<StudentQueue>>,
    pad_id: u32,
    device: Device,
}

/// Metrics of a model, without dropout and gradients, on pairs that it does not train on: what
/// `eval_steps`, `metric_for_best_model` and early stopping look at. Build it on
/// [`predict`](crate::predict) and any evaluation.
#[derive(Clone)]
pub struct Evaluator(Arc<EvaluateFn>);

type EvaluateFn = dyn Fn(&BertForSequenceClassification) -> Result<BTreeMap<String, f64>, StudentError>
    + Send
    + Sync;

impl Evaluator {
    /// An evaluator from a function.
    pub fn new(
        evaluate: impl Fn(&BertForSequenceClassification) -> Result<BTreeMap<String, f64>, StudentError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(evaluate))
    }
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluator")
    }
}

impl StudentTask {
    /// Tokenises `examples` for a model with `classes` classes; batches will be on `device`.
    ///
    /// # Errors
    /// [`StudentError::NoExamples`]; [`StudentError::Example`] names an example whose label is no
    /// class, whose query is empty, or which lacks what the objective reads;
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
        let objective = &config.objective;
        let (mut crsd, mut queue) = (None, None);
        if let Objective::Crsd(loss) = objective {
            crsd = Some(loss.init()?);
            if loss.queue_size > 0 {
                queue = Some(Mutex::new(StudentQueue::new(loss.queue_size)?));
            }
        }
        check_examples(examples, classes, config)?;
        let examples = tokenise(examples, tokenizer, config)?;
        let size = config.train_batch_size;
        let sampler = if config.group_by_length {
            let length = |tokens: &Tokens| tokens.standard.len() + tokens.reasoned.len();
            BatchSampler::by_length(examples.iter().map(length).collect(), size)
        } else {
            BatchSampler::new(examples.len(), size)
        };
        Ok(Self {
            config: config.clone(),
            crsd,
            examples,
            classes,
            sampler,
            evaluator: None,
            queue,
            pad_id: tokenizer.pad_id(),
            device: device.clone(),
        })
    }

    /// Evaluates by `evaluator` during training.
    #[must_use]
    pub fn with_evaluator(mut self, evaluator: Evaluator) -> Self {
        self.evaluator = Some(evaluator);
        self
    }

    /// The loss of a batch, given what the objective's passes gave.
    fn loss(
        &self,
        module: &StudentModule,
        outputs: Passes<PassOutput>,
        batch: StudentBatch,
        context: &StepContext,
    ) -> Result<StepOutput, StudentError> {
        match (&self.config.objective, &self.crsd, outputs) {
            (Objective::Crsd(config), Some(loss), Passes::Two(views)) => {
                let crsd = Crsd {
                    config,
                    loss,
                    heads: module.heads(),
                    queue: self.queue.as_ref().map(lock),
                    alarm: &self.config.collapse_alarm,
                    diagnose: self.is_logged(context),
                };
                crsd_step(views, batch, crsd, context)
            }
            (Objective::RDrop(config), _, Passes::Two(views)) => r_drop_step(views, batch, config),
            (Objective::LogitKd(config), _, Passes::One(view)) => {
                logit_kd_step(view, batch, config)
            }
            (.., Passes::One(view) | Passes::Two([view, _])) => cross_entropy_step(view, batch),
        }
    }

    /// Whether `context` is a step whose entry in the log is about to be written.
    fn is_logged(&self, context: &StepContext) -> bool {
        let done = context.step + 1;
        done.is_multiple_of(self.config.training.logging_steps) || done == context.max_steps
    }
}

impl TrainTask for StudentTask {
    type Model = StudentModule;
    type Batch = StudentBatch;
    type Error = StudentError;

    fn num_batches(&self) -> usize {
        self.sampler.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, _: u64) -> Result<StudentBatch, StudentError> {
        let rows = self
            .sampler
            .indices(epoch, index, self.config.training.seed);
        let rows: Vec<&Tokens> = rows.into_iter().map(|i| &self.examples[i]).collect();
        StudentBatch::collate(&rows, &self.config, self.classes, self.pad_id, &self.device)
    }

    fn step(
        &self,
        module: &StudentModule,
        batch: StudentBatch,
        context: &StepContext,
    ) -> Result<StepOutput, StudentError> {
        let pairs = batch.standard.num_rows();
        let objective = &self.config.objective;
        let loss = |outputs| self.loss(module, outputs, batch.clone(), context);
        let output = match self.config.grad_cache_chunk_size {
            Some(_) => cached_step(module, objective, &batch, context, loss),
            None => whole_step(module, objective, &batch, loss),
        };
        Ok(output?
            .with_num_items(pairs)
            .with_metric("padding", batch.padding()))
    }

    fn evaluate(&self, module: &StudentModule) -> Result<BTreeMap<String, f64>, StudentError> {
        match &self.evaluator {
            Some(Evaluator(evaluate)) => evaluate(&module.student),
            None => Ok(BTreeMap::new()),
        }
    }

    fn state(&self) -> Result<Vec<u8>, StudentError> {
        match &self.queue {
            Some(queue) => lock(queue).to_bytes(),
            None => Ok(Vec::new()),
        }
    }

    fn load_state(&self, state: &[u8]) -> Result<(), StudentError> {
        let Some(queue) = &self.queue else {
            return Ok(());
        };
        let mut queue = lock(queue);
        let device = self.device.clone().without_autodiff();
        *queue = StudentQueue::from_bytes(queue.capacity(), state, &device)?;
        Ok(())
    }

    /// What must not change between a checkpoint and the run that resumes from it.
    fn config(&self) -> serde_json::Value {
        let tokens = |view: fn(&Tokens) -> &Encoding| {
            self.examples.iter().map(|e| view(e).len()).sum::<usize>()
        };
        serde_json::json!({
            "objective": self.config.objective,
            "train_batch_size": self.config.train_batch_size,
            "grad_cache_chunk_size": self.config.grad_cache_chunk_size,
            "group_by_length": self.config.group_by_length,
            "bucket_size": self.config.bucket_size(),
            "negatives": self.config.negatives,
            "weigh_by_confidence": self.config.weigh_by_confidence,
            "examples": self.examples.len(),
            "standard_tokens": tokens(|e| &e.standard),
            "reasoned_tokens": tokens(|e| &e.reasoned),
        })
    }
}

/// A poisoned lock only means that another thread panicked between two steps.
fn lock(queue: &Mutex<StudentQueue>) -> MutexGuard<'_, StudentQueue> {
    queue.lock().unwrap_or_else(|e| e.into_inner())
}
