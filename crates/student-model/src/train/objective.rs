//! What is minimised, as a trait.

use std::fmt;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Device;
use crsd_loss::CollapseAlarm;
use training_loop::{StepContext, StepOutput};

use super::{Passes, StudentBatch, View};
use crate::StudentError;

/// What is minimised: which views go through the student, what else is read of an example, what learns
/// beside the student, and the loss of what came out.
///
/// [`ObjectiveConfig`](super::ObjectiveConfig) names those of this crate; one's own goes to
/// [`StudentTrainer::with_objective`](super::StudentTrainer::with_objective). Whatever it is, it sees the
/// outputs of whole batches in the batch's order, so gradient caching, length buckets, accumulation,
/// checkpoints and exact resume come with the trainer.
///
/// A complete one, the focal loss (Lin et al., arXiv 1708.02002, equation 4), which looks away from what
/// the student is sure of:
///
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use crsd_loss::cross_entropy;
/// use student_model::{NoHeads, Objective, ObjectiveContext, Passes, StudentBatch, StudentError, View};
/// use training_loop::StepOutput;
/// # use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
/// # use student_model::{BertConfig, BertForSequenceClassification, StudentExample, StudentTrainConfig,
/// #     StudentTrainer, train_wordpiece};
/// # use training_loop::{Progress, TrainerOptions, TrainingConfig};
///
/// #[derive(Debug)]
/// struct Focal { gamma: f32 }
///
/// impl Objective for Focal {
///     type Heads = NoHeads;
///
///     fn name(&self) -> &str { "focal" }
///
///     fn passes(&self) -> Vec<View> { vec![View::Standard] }
///
///     fn init_heads(&self, _: usize, _: u64, _: &Device) -> Result<NoHeads, StudentError> { Ok(NoHeads) }
///
///     fn step(&self, passes: Passes, _: &NoHeads, batch: &StudentBatch, _: &ObjectiveContext<'_>)
///         -> Result<StepOutput, StudentError>
///     {
///         let [standard] = passes.into_array()?;
///         let ce = cross_entropy(standard.logits, batch.labels.clone())?; // [b]
///         let unsure = ce.clone().neg().exp().neg().add_scalar(1.0); // [b], 1 − p(label)
///         let loss = (unsure.powf_scalar(self.gamma) * ce.clone()).mean();
///         Ok(StepOutput::new(loss).with_tensor_metric("loss_sce", ce.mean()))
///     }
/// }
///
/// # let pairs = [("mouse", "usb mouse", 0), ("mouse", "desk lamp", 1), ("lamp", "desk lamp", 0), ("lamp", "usb mouse", 1)];
/// # let examples = pairs.map(|(query, item, label)| StudentExample::new(query, item, label));
/// # let words = train_wordpiece(pairs.map(|(query, item, _)| format!("{query} {item}")), 60)?;
/// # let tokenizer = PairTokenizer::from_tokenizer(words, PairTokenizerConfig::default())?;
/// # let bert = BertConfig { vocab_size: tokenizer.id_bound(), hidden_size: 16, num_hidden_layers: 1,
/// #     num_attention_heads: 2, intermediate_size: 32, hidden_dropout_prob: 0.0,
/// #     attention_probs_dropout_prob: 0.0, initializer_range: 0.1, ..BertConfig::default() }
/// #     .with_labels(&["Relevant", "Irrelevant"]);
/// # let model = bert.init(7, &Device::default())?;
/// # let training = TrainingConfig::new().with_learning_rate(1e-2).with_max_steps(60).with_logging_steps(1);
/// # let config = StudentTrainConfig::new().with_training(training);
/// # let options = TrainerOptions::new().with_progress(Progress::Hidden);
/// let report = StudentTrainer::new(&config, options)?
///     .with_objective(Arc::new(Focal { gamma: 2.0 }))
///     .train(model, &tokenizer, &examples)?;
/// let [first, .., last] = &report.log_history[..] else { panic!("one entry a step") };
/// // At γ 2 the loss is well below the cross entropy it is made of, and both fall.
/// assert!(first.loss < first.metrics["loss_sce"]);
/// assert!(last.loss < first.loss && last.metrics["loss_sce"] < first.metrics["loss_sce"]);
/// # Ok::<(), StudentError>(())
/// ```
pub trait Objective: fmt::Debug + Send + Sync {
    /// What learns beside the student, as a module: the optimizer moves it and checkpoints hold it, the
    /// saved student does not. [`NoHeads`](super::NoHeads) where nothing does.
    type Heads: Module + ModuleDisplay;

    /// The name that stands in messages.
    fn name(&self) -> &str;

    /// The forward passes of a step, in order: which view each reads. At least one; two passes of one
    /// view differ in dropout. With [`View::Reasoned`] among them every example must have a reason.
    fn passes(&self) -> Vec<View>;

    /// Whether every example must have the teacher's class distribution, which is then in
    /// [`StudentBatch::teacher_probabilities`]. Default: no.
    fn needs_teacher_probabilities(&self) -> bool {
        false
    }

    /// Whether the step reads [`StudentBatch::align_weights`]. Default: no, and
    /// [`weigh_by_confidence`](super::StudentTrainConfig::weigh_by_confidence) is refused.
    fn reads_align_weights(&self) -> bool {
        false
    }

    /// What learns beside the student, at its start, for representations of width `hidden_size`. The
    /// same seed must give the same parameters.
    ///
    /// # Errors
    /// Whatever keeps them from being made.
    fn init_heads(
        &self,
        hidden_size: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self::Heads, StudentError>;

    /// The loss of a batch, as a mean over its pairs, and what is to be logged of it.
    ///
    /// `passes` holds one output for each of [`passes`](Self::passes), in their order. Under gradient
    /// caching they are leaves of a graph, and the trainer takes the gradient from the loss to them, to
    /// the heads, and on to the student; the step need not know.
    ///
    /// # Errors
    /// [`StudentError::objective`] takes errors of one's own.
    fn step(
        &self,
        passes: Passes,
        heads: &Self::Heads,
        batch: &StudentBatch,
        context: &ObjectiveContext<'_>,
    ) -> Result<StepOutput, StudentError>;

    /// What it carries from step to step besides parameters, as bytes: stored with each checkpoint.
    /// Default: nothing.
    ///
    /// # Errors
    /// Whatever keeps the state from being read.
    fn state(&self) -> Result<Vec<u8>, StudentError> {
        Ok(Vec::new())
    }

    /// Takes up a state before the first step of a run, on a device without autodiff: that of a
    /// checkpoint, or no bytes at the start. Default: nothing.
    ///
    /// # Errors
    /// A state that does not fit.
    fn load_state(&self, state: &[u8], device: &Device) -> Result<(), StudentError> {
        let _ = (state, device);
        Ok(())
    }

    /// What must not change between a checkpoint and the run that resumes from it. Default: what
    /// `Debug` writes of it at the start of the run, its parameters therefore.
    fn config(&self) -> serde_json::Value {
        format!("{self:?}").into()
    }
}

/// Where a step stands in its run, and what the run asks of an objective besides the loss.
///
/// ```
/// use crsd_loss::CollapseAlarm;
/// use student_model::ObjectiveContext;
/// use training_loop::StepContext;
///
/// let step = StepContext { step: 4, max_steps: 10, epoch: 0, batch: 4, micro_step: 4, accumulated: 1, seed: 7 };
/// let alarm = CollapseAlarm::default();
/// let context = ObjectiveContext::new(step, &alarm).with_logged(true);
/// assert!(context.is_logged && context.step.progress() == 0.4);
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ObjectiveContext<'a> {
    /// The step.
    pub step: StepContext,
    /// Whether the step ends in an entry of the log: the time for figures that wait for the device.
    pub is_logged: bool,
    /// When representations count as collapsed.
    pub collapse_alarm: &'a CollapseAlarm,
}

impl<'a> ObjectiveContext<'a> {
    /// A step that is not logged.
    pub fn new(step: StepContext, collapse_alarm: &'a CollapseAlarm) -> Self {
        Self {
            step,
            is_logged: false,
            collapse_alarm,
        }
    }

    /// Sets whether the step ends in an entry of the log.
    #[must_use]
    pub fn with_logged(mut self, is_logged: bool) -> Self {
        self.is_logged = is_logged;
        self
    }
}
