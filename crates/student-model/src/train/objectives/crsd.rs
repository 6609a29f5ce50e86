//! CRSD: both views of each pair, and what draws them together.

use std::sync::{Arc, Mutex, MutexGuard};

use burn::tensor::{Device, Tensor};
use crsd_loss::{
    AlignLoss, AlignWeighting, CollapseAlarm, CrsdHeads, CrsdInput, CrsdLoss, CrsdLossConfig,
    CrsdStep, Diagnostics, LearnableTemperature, NegativeMask,
};
use serde_json::json;
use training_loop::StepOutput;

use super::accuracy;
use super::queue::StudentQueue;
use crate::StudentError;
use crate::train::{Objective, ObjectiveContext, Passes, StudentBatch, View};

/// `L_sce + L_tce + λ L_align` on the standard and the reasoned view of each pair: an implementation of
/// the objective of Figure 3 of arXiv 2510.11056.
///
/// With an align term of one's own, mean absolute difference here:
///
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{AlignInput, AlignLoss, CrsdLossConfig};
/// use student_model::{Crsd, StudentError, StudentTrainConfig, StudentTrainer};
/// # use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
/// # use student_model::{BertConfig, BertForSequenceClassification, StudentExample, StudentReason,
/// #     train_wordpiece};
/// # use training_loop::{Progress, TrainerOptions, TrainingConfig};
///
/// #[derive(Debug)]
/// struct L1Align;
///
/// impl AlignLoss for L1Align {
///     fn per_example(&self, input: AlignInput) -> Tensor<1> {
///         let difference = input.standard - input.reasoned; // [b, h]
///         difference.abs().mean_dim(1).squeeze_dim::<1>(1) // [b]
///     }
/// }
///
/// # let pairs = [("mouse", "usb mouse", 0), ("mouse", "desk lamp", 1), ("lamp", "desk lamp", 0), ("lamp", "usb mouse", 1)];
/// # let examples = pairs.map(|(query, item, label)| StudentExample::new(query, item, label)
/// #     .with_reason(StudentReason::leaking_the_label(format!("a {query} was asked for"))));
/// # let words = train_wordpiece(pairs.map(|(query, item, _)| format!("a {query} {item} was asked for")), 80)?;
/// # let tokenizer = PairTokenizer::from_tokenizer(words, PairTokenizerConfig::default())?;
/// # let bert = BertConfig { vocab_size: tokenizer.id_bound(), hidden_size: 16, num_hidden_layers: 1,
/// #     num_attention_heads: 2, intermediate_size: 32, hidden_dropout_prob: 0.0,
/// #     attention_probs_dropout_prob: 0.0, ..BertConfig::default() }.with_labels(&["Relevant", "Irrelevant"]);
/// # let model = bert.init(7, &Device::default())?;
/// # let training = TrainingConfig::new().with_learning_rate(1e-2).with_max_steps(20).with_logging_steps(1);
/// # let config = StudentTrainConfig::new().with_training(training);
/// # let options = TrainerOptions::new().with_progress(Progress::Hidden);
/// let loss = CrsdLossConfig::new().with_lambda(1.0).with_lambda_warmup_ratio(0.0);
/// let crsd = Crsd::new(&loss)?.with_align_loss(Arc::new(L1Align))?;
/// let report = StudentTrainer::new(&config, options)?
///     .with_objective(Arc::new(crsd))
///     .train(model, &tokenizer, &examples)?;
/// let [first, .., last] = &report.log_history[..] else { panic!("one entry a step") };
/// assert!(last.metrics["loss_align"] < first.metrics["loss_align"]);
/// # Ok::<(), StudentError>(())
/// ```
#[derive(Debug)]
pub struct Crsd {
    config: CrsdLossConfig,
    loss: CrsdLoss,
    /// Where the align term is not the configuration's: what `Debug` writes of it.
    own_align: Option<String>,
    queue: Option<Mutex<StudentQueue>>,
}

impl Crsd {
    /// The objective of this configuration.
    ///
    /// # Errors
    /// [`StudentError::Loss`] as [`CrsdLossConfig::validate`].
    pub fn new(config: &CrsdLossConfig) -> Result<Self, StudentError> {
        let loss = config.init()?;
        let queue = match config.queue_size {
            0 => None,
            size => Some(Mutex::new(StudentQueue::new(size)?)),
        };
        Ok(Self {
            config: config.clone(),
            loss,
            own_align: None,
            queue,
        })
    }

    /// The same with an align term of one's own, in the place of the configuration's `align`. Projection
    /// head, learned temperature, weights, λ and detaching stay.
    ///
    /// A resumed run must have a term that `Debug` writes alike: its parameters should be in there.
    ///
    /// # Errors
    /// [`StudentError::Loss`] if the configuration has a queue that the term does not read.
    pub fn with_align_loss(mut self, align: Arc<dyn AlignLoss>) -> Result<Self, StudentError> {
        self.own_align = Some(format!("{align:?}"));
        self.loss = self.loss.with_align_loss(align);
        if self.queue.is_some() {
            self.loss.check_queue()?;
        }
        Ok(self)
    }

    /// A poisoned lock only means that another thread panicked between two steps.
    fn queue(&self) -> Option<MutexGuard<'_, StudentQueue>> {
        let lock = |queue| Mutex::lock(queue).unwrap_or_else(|e| e.into_inner());
        self.queue.as_ref().map(lock)
    }

    /// How the two views lie to each other, and what is wrong with that.
    fn with_diagnostics(
        &self,
        output: StepOutput,
        views: [Tensor<2>; 2],
        negatives: Option<&NegativeMask>,
        alarm: &CollapseAlarm,
        lambda_scale: f64,
    ) -> Result<StepOutput, StudentError> {
        let [standard, reasoned] = views;
        let seen = Diagnostics::measure(standard, reasoned, negatives)?;
        let symptoms = alarm.symptoms(&seen);
        let mut output =
            with_figures(output, &seen).with_metric("collapse_symptoms", symptoms.len() as f64);
        // Before λ is at its height the views have had no time to meet; without it they need not.
        if lambda_scale == 1.0 && self.config.lambda > 0.0 {
            for symptom in symptoms {
                output = output.with_warning(format!("collapse: {symptom}"));
            }
        }
        Ok(output)
    }
}

impl Objective for Crsd {
    type Heads = CrsdHeads;

    fn name(&self) -> &str {
        "crsd"
    }

    fn passes(&self) -> Vec<View> {
        vec![View::Standard, View::Reasoned]
    }

    fn needs_teacher_probabilities(&self) -> bool {
        self.config.align_weighting == AlignWeighting::TeacherConfidence
    }

    fn reads_align_weights(&self) -> bool {
        true
    }

    fn init_heads(
        &self,
        hidden_size: usize,
        seed: u64,
        device: &Device,
    ) -> Result<CrsdHeads, StudentError> {
        Ok(CrsdHeads::new(&self.config, hidden_size, seed, device)?)
    }

    fn step(
        &self,
        passes: Passes,
        heads: &CrsdHeads,
        batch: &StudentBatch,
        context: &ObjectiveContext<'_>,
    ) -> Result<StepOutput, StudentError> {
        let [standard, reasoned] = passes.into_array()?;
        let schedule = self.config.lambda_schedule(context.step.max_steps);
        let scale = schedule.scale(context.step.step);
        let [standard_accuracy, reasoned_accuracy] =
            [&standard, &reasoned].map(|view| accuracy(&view.logits, &batch.labels));
        let standard_cls = standard.cls.clone();
        let mut queue = self.queue();
        let queued = queue.as_ref();
        let step = CrsdStep::new(scale)
            .with_heads(heads)
            .with_queue(queued.and_then(|queue| queue.negatives(&batch.keys)));
        let input = CrsdInput {
            standard_logits: standard.logits,
            reasoned_logits: reasoned.logits,
            standard: standard.cls,
            reasoned: reasoned.cls,
            labels: batch.labels.clone(),
            negatives: batch.negatives.clone(),
        };
        let terms = self.loss.forward_with(input, with_weights(step, batch))?;
        let mut output = StepOutput::new(terms.per_example.mean())
            .with_tensor_metric("loss_sce", terms.standard_ce.mean())
            .with_tensor_metric("loss_tce", terms.reasoned_ce.mean())
            .with_tensor_metric("loss_align", terms.align.mean())
            .with_tensor_metric("accuracy", standard_accuracy)
            .with_tensor_metric("accuracy_reasoned", reasoned_accuracy)
            .with_metric("lambda", self.config.lambda * scale);
        if let Some(temperature) = heads.temperature().map(LearnableTemperature::temperature) {
            output = output.with_tensor_metric("temperature", temperature);
        }
        if let Some(queue) = &mut queue {
            output = output.with_metric("queue_length", queue.len() as f64);
            queue.push(terms.reasoned.clone(), &batch.keys)?;
        }
        if !context.is_logged {
            return Ok(output);
        }
        // What the align term compares.
        let standard = heads.project(standard_cls.without_autodiff())?;
        let (views, mask) = ([standard, terms.reasoned], batch.negatives.as_ref());
        self.with_diagnostics(output, views, mask, context.collapse_alarm, scale)
    }

    fn state(&self) -> Result<Vec<u8>, StudentError> {
        match self.queue() {
            Some(queue) => queue.to_bytes(),
            None => Ok(Vec::new()),
        }
    }

    fn load_state(&self, state: &[u8], device: &Device) -> Result<(), StudentError> {
        if let Some(mut queue) = self.queue() {
            *queue = StudentQueue::from_bytes(queue.capacity(), state, device)?;
        }
        Ok(())
    }

    fn config(&self) -> serde_json::Value {
        let mut config = json!({ self.name(): self.config });
        if let Some(align) = &self.own_align {
            config["align_loss"] = align.as_str().into();
        }
        config
    }
}

/// The step with the batch's own weights of the align term.
fn with_weights<'a>(mut step: CrsdStep<'a>, batch: &StudentBatch) -> CrsdStep<'a> {
    if let Some(probabilities) = &batch.teacher_probabilities {
        step = step.with_teacher_probabilities(probabilities.clone());
    }
    if let Some(weights) = &batch.align_weights {
        step = step.with_align_weights(weights.clone());
    }
    step
}

/// An undefined figure is not finite, and so left out of the log.
fn with_figures(output: StepOutput, seen: &Diagnostics) -> StepOutput {
    let defined = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let figures = [
        ("diagonal_accuracy", seen.diagonal_accuracy),
        ("chance_accuracy", defined(seen.chance_accuracy)),
        ("alignment", seen.alignment),
        ("uniformity", defined(seen.uniformity_standard)),
        ("uniformity_reasoned", defined(seen.uniformity_reasoned)),
        ("positive_similarity", seen.mean_positive_similarity),
        (
            "negative_similarity",
            defined(seen.mean_negative_similarity),
        ),
        ("effective_rank", seen.rank_standard),
        ("effective_rank_reasoned", seen.rank_reasoned),
    ];
    let add = |output: StepOutput, (name, value)| output.with_metric(name, value);
    figures.into_iter().fold(output, add)
}
