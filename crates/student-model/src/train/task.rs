//! A student's training data and objective, as the loop takes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Device;
use crsd_loss::CrsdHeads;
use pair_tokenizer::{Encoding, PairTokenizer};
use training_loop::{BatchSampler, StepContext, StepOutput, TrainTask};

use super::batch::{BatchShape, Tokens, tokenise};
use super::example_check::Reads;
use super::passes::{cached_step, whole_step};
use super::{
    Evaluator, Objective, ObjectiveContext, StudentBatch, StudentExample, StudentModule,
    StudentTrainConfig,
};
use crate::StudentError;

/// A student's training data and objective, as [`training_loop::Trainer`] takes them.
///
/// [`train_student`](crate::train_student) is the way to use it; on its own it serves another loop.
/// `H` is what learns beside the student, [`Objective::Heads`].
///
/// ```
/// # use burn::tensor::Device;
/// # use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
/// # use student_model::{ObjectiveConfig, StudentExample, StudentTask, StudentTrainConfig, train_wordpiece};
/// # use training_loop::TrainTask;
/// # let words = train_wordpiece(["usb mouse wireless lamp"], 60)?;
/// # let tokenizer = PairTokenizer::from_tokenizer(words, PairTokenizerConfig::default())?;
/// let examples = ["mouse", "lamp", "usb mouse"].map(|item| StudentExample::new("usb mouse", item, 1));
/// let config = StudentTrainConfig::new()
///     .with_objective(ObjectiveConfig::CrossEntropy)
///     .with_train_batch_size(2);
/// let task = StudentTask::new(&examples, /* classes */ 2, &tokenizer, &config, &Device::default())?;
/// assert_eq!(task.num_batches(), 2);
/// // What the default objective, CRSD, asks of an example is missing.
/// let refused = StudentTask::new(&examples, 2, &tokenizer, &StudentTrainConfig::new(), &Device::default());
/// assert!(refused.unwrap_err().to_string().contains("no reason, which the objective crsd needs"));
/// # Ok::<(), student_model::StudentError>(())
/// ```
#[derive(Debug)]
pub struct StudentTask<H: Module + ModuleDisplay = CrsdHeads> {
    config: StudentTrainConfig,
    objective: Arc<dyn Objective<Heads = H>>,
    reads: Reads,
    shape: BatchShape,
    examples: Vec<Tokens>,
    sampler: BatchSampler,
    evaluator: Option<Evaluator>,
    device: Device,
}

impl StudentTask {
    /// The task of the configuration's objective: see [`with_objective`](Self::with_objective).
    ///
    /// # Errors
    /// As [`with_objective`](Self::with_objective); [`StudentError::InvalidConfig`] and
    /// [`StudentError::Loss`] for a bad configuration of the objective.
    pub fn new(
        examples: &[StudentExample],
        classes: usize,
        tokenizer: &PairTokenizer,
        config: &StudentTrainConfig,
        device: &Device,
    ) -> Result<Self, StudentError> {
        let objective = config.objective.init()?;
        Self::with_objective(objective, examples, classes, tokenizer, config, device)
    }
}

impl<H: Module + ModuleDisplay> StudentTask<H> {
    /// Tokenises `examples` for a model with `classes` classes that `objective` is to train; batches
    /// will be on `device`.
    ///
    /// # Errors
    /// [`StudentError::NoExamples`]; [`StudentError::Example`] names an example whose label is no
    /// class, whose query is empty, or which lacks what the objective reads;
    /// [`StudentError::InvalidConfig`], [`StudentError::Train`] for a bad configuration.
    pub fn with_objective(
        objective: Arc<dyn Objective<Heads = H>>,
        examples: &[StudentExample],
        classes: usize,
        tokenizer: &PairTokenizer,
        config: &StudentTrainConfig,
        device: &Device,
    ) -> Result<Self, StudentError> {
        config.validate_run()?;
        let reads = Reads::new(&*objective, config)?;
        reads.check(examples, classes)?;
        let examples = tokenise(examples, tokenizer, &reads)?;
        let size = config.train_batch_size;
        let sampler = if config.group_by_length {
            let length = |tokens: &Tokens| tokens.standard.len() + tokens.reasoned.len();
            BatchSampler::by_length(examples.iter().map(length).collect(), size)
        } else {
            BatchSampler::new(examples.len(), size)
        };
        Ok(Self {
            objective,
            reads,
            shape: BatchShape {
                classes,
                bucket_size: config.bucket_size(),
                pad_id: tokenizer.pad_id(),
            },
            examples,
            sampler,
            evaluator: None,
            device: device.clone(),
            config: config.clone(),
        })
    }

    /// Evaluates by `evaluator` during training.
    #[must_use]
    pub fn with_evaluator(mut self, evaluator: Evaluator) -> Self {
        self.evaluator = Some(evaluator);
        self
    }

    /// Whether `context` is a step whose entry in the log is about to be written.
    fn is_logged(&self, context: &StepContext) -> bool {
        let done = context.step + 1;
        done.is_multiple_of(self.config.training.logging_steps) || done == context.max_steps
    }
}

impl<H: Module + ModuleDisplay> TrainTask for StudentTask<H> {
    type Model = StudentModule<H>;
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
        StudentBatch::collate(&rows, &self.reads, &self.shape, &self.device)
    }

    fn step(
        &self,
        module: &StudentModule<H>,
        batch: StudentBatch,
        context: &StepContext,
    ) -> Result<StepOutput, StudentError> {
        let of_run = ObjectiveContext::new(*context, &self.config.collapse_alarm)
            .with_logged(self.is_logged(context));
        let loss = |passes| self.objective.step(passes, module.heads(), &batch, &of_run);
        let passes = &self.reads.passes;
        let output = match self.config.grad_cache_chunk_size {
            Some(_) => cached_step(module, passes, &batch, context, loss),
            None => whole_step(module, passes, &batch, loss),
        };
        Ok(output?
            .with_num_items(batch.standard.num_rows())
            .with_metric("padding", batch.padding()))
    }

    fn evaluate(&self, module: &StudentModule<H>) -> Result<BTreeMap<String, f64>, StudentError> {
        match &self.evaluator {
            Some(evaluator) => evaluator.evaluate(&module.student),
            None => Ok(BTreeMap::new()),
        }
    }

    fn state(&self) -> Result<Vec<u8>, StudentError> {
        self.objective.state()
    }

    fn load_state(&self, state: &[u8]) -> Result<(), StudentError> {
        let device = self.device.clone().without_autodiff();
        self.objective.load_state(state, &device)
    }

    /// What must not change between a checkpoint and the run that resumes from it.
    fn config(&self) -> serde_json::Value {
        let tokens = |view: fn(&Tokens) -> &Encoding| {
            self.examples.iter().map(|e| view(e).len()).sum::<usize>()
        };
        serde_json::json!({
            "objective": self.objective.config(),
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
