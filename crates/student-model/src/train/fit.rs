//! A training run from start to end.

use std::sync::Arc;

use burn::module::{Module, ModuleDisplay};
use crsd_loss::CrsdHeads;
use pair_tokenizer::PairTokenizer;
use training_loop::{TrainReport, Trainer, TrainerOptions};

use super::{
    Evaluator, Objective, StudentExample, StudentModule, StudentTask, StudentTrainConfig, View,
};
use crate::student::{check_fit, check_length};
use crate::{BertForSequenceClassification, StudentError};

/// Trains `model` on `examples` by the configuration's objective. [`StudentTrainer`] does the same with
/// an objective or an evaluator of one's own.
///
/// The report's model is **for inference**: on the device without autodiff, whatever device the given one
/// was on (one on a plain device is moved to its autodiff twin to be trained).
/// [`Student::new`](crate::Student::new), [`predict`](crate::predict) and another run take it as it is.
///
/// ```
/// use burn::tensor::Device;
/// use pair_tokenizer::PairTokenizerConfig;
/// use relevance_data::{LabelSchema, Rationale};
/// use student_model::{BertConfig, StudentError, StudentExample,
///     StudentReason, StudentTrainConfig, predict, train_student};
/// use training_loop::{Progress, TrainerOptions, TrainingConfig};
///
/// // query, item, label, the teacher's reasoning
/// let lines = "red mouse|red usb mouse|Relevant|a mouse, and red as asked
/// red mouse|blue usb mouse|Irrelevant|a mouse, but blue and not red
/// red mouse|red desk lamp|Irrelevant|red, but a lamp and no mouse
/// blue mouse|blue usb mouse|Relevant|a mouse, and blue as asked
/// blue mouse|red usb mouse|Irrelevant|a mouse, but red and not blue
/// blue mouse|blue desk lamp|Irrelevant|blue, but a lamp and no mouse
/// red lamp|red desk lamp|Relevant|a lamp, and red as asked
/// red lamp|blue desk lamp|Irrelevant|a lamp, but blue and not red
/// red lamp|red usb mouse|Irrelevant|red, but a mouse and no lamp
/// blue lamp|blue desk lamp|Relevant|a lamp, and blue as asked
/// blue lamp|red desk lamp|Irrelevant|a lamp, but red and not blue
/// blue lamp|blue usb mouse|Irrelevant|blue, but a mouse and no lamp
/// usb mouse|red usb mouse|Relevant|a mouse with usb, of any colour
/// usb mouse|blue usb mouse|Relevant|a mouse with usb, of any colour
/// usb mouse|red desk lamp|Irrelevant|a lamp and no mouse
/// usb mouse|blue desk lamp|Irrelevant|a lamp and no mouse
/// desk lamp|red desk lamp|Relevant|a lamp for the desk, of any colour
/// desk lamp|blue desk lamp|Relevant|a lamp for the desk, of any colour
/// desk lamp|red usb mouse|Irrelevant|a mouse and no lamp
/// desk lamp|blue usb mouse|Irrelevant|a mouse and no lamp";
/// let schema = LabelSchema::binary();
/// let mut examples = Vec::new();
/// for line in lines.lines() {
///     let [query, item, label, reason] = line.split('|').collect::<Vec<_>>()[..] else { continue };
///     let reason = StudentReason::new(&Rationale::new(reason), &schema);
///     let label = schema.parse(label)?.index();
///     examples.push(StudentExample::new(query, item, label).with_reason(reason));
/// }
///
/// let bert = BertConfig::toy().with_labels(&schema.names());
/// let lengths = PairTokenizerConfig::default();
/// let (model, tokenizer) = bert.init_from_texts(lines.lines(), lengths, 7, &Device::default())?;
///
/// let training = TrainingConfig::new().with_learning_rate(1e-2).with_max_steps(240);
/// let config = StudentTrainConfig::new().with_training(training).with_train_batch_size(10);
/// let options = TrainerOptions::new().with_progress(Progress::Hidden);
/// let report = train_student(model, &tokenizer, &examples, &config, options)?; // CRSD, the default
///
/// // At inference a query and an item are enough.
/// let pairs = [("red mouse", "red usb mouse"), ("red mouse", "blue desk lamp")];
/// let probabilities = predict(&report.model, &tokenizer, &pairs, 8)?;
/// assert!(probabilities[[0, 0]] > 0.5 && probabilities[[1, 1]] > 0.5, "{probabilities:?}");
/// # Ok::<(), StudentError>(())
/// ```
///
/// # What a step does, and what is logged
/// Every step runs the objective's forward passes of the one model; under CRSD two, on the standard and
/// the reasoned view, each padded to its own longest row; with `grad_cache_chunk_size`, chunk by chunk.
/// Logged at each entry, as means over the batches since the last:
///
/// | metric | meaning |
/// |---|---|
/// | `loss` | the objective, nats |
/// | `loss_sce`, `loss_tce`, `loss_align` | its terms before λ; `loss_sce` alone under cross entropy |
/// | `loss_kd`, `loss_r_drop` | the further term of [`LogitKd`](super::LogitKd) and [`RDrop`](super::RDrop) |
/// | `lambda` | λ with its warm-up |
/// | `padding` | share of the positions of both views that are padding |
/// | `temperature` | τ, where it is learned |
/// | `queue_length` | entries of the memory queue, where there is one |
/// | `accuracy`, `accuracy_reasoned` | of the two views on the training batch |
/// | `diagonal_accuracy`, `chance_accuracy`, `alignment`, `uniformity`, `uniformity_reasoned`, `positive_similarity`, `negative_similarity`, `effective_rank`, `effective_rank_reasoned` | [`crsd_loss::Diagnostics`] of the last batch, as the align term sees it |
/// | `collapse_symptoms` | how many symptoms [`crsd_loss::CollapseAlarm`] found in it; from the end of λ's warm-up on each is a warning in the log, too |
///
/// # Errors
/// As [`StudentTask::new`]; [`StudentError::InvalidConfig`] if the tokenizer does not fit the model, or
/// the configuration asks for evaluations; [`StudentError::Train`] from the loop, a loss that is not
/// finite among it.
pub fn train_student(
    model: BertForSequenceClassification,
    tokenizer: &PairTokenizer,
    examples: &[StudentExample],
    config: &StudentTrainConfig,
    options: TrainerOptions,
) -> Result<TrainReport<BertForSequenceClassification>, StudentError> {
    StudentTrainer::new(config, options)?.train(model, tokenizer, examples)
}

/// [`train_student`] with parts of one's own: an [`Objective`], an [`Evaluator`]. An align loss of one's
/// own goes into [`Crsd::with_align_loss`](super::Crsd::with_align_loss), and that in here.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
/// # use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
/// # use student_model::{BertConfig, BertForSequenceClassification, train_wordpiece};
/// use student_model::{Evaluator, RDropConfig, StudentError, StudentExample, StudentTrainConfig, StudentTrainer};
/// use training_loop::{Progress, TrainerOptions, TrainingConfig};
/// # let words = train_wordpiece(["usb mouse lamp"], 60)?;
/// # let tokenizer = PairTokenizer::from_tokenizer(words, PairTokenizerConfig::default())?;
/// # let bert = BertConfig { vocab_size: 60, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,
/// #     intermediate_size: 32, ..BertConfig::default() }.with_labels(&["Relevant", "Irrelevant"]);
/// # let model = bert.init(7, &burn::tensor::Device::default())?;
///
/// let examples = [StudentExample::new("mouse", "usb mouse", 0), StudentExample::new("lamp", "usb mouse", 1)];
/// let training = TrainingConfig::new().with_max_steps(4).with_eval_steps(2);
/// let config = StudentTrainConfig::new().with_training(training);
/// let options = TrainerOptions::new().with_progress(Progress::Hidden);
/// let report = StudentTrainer::new(&config, options)?
///     .with_objective(Arc::new(RDropConfig::new().init()?))
///     .with_evaluator(Evaluator::new(|_| Ok::<_, StudentError>(BTreeMap::from([("one".into(), 1.0)]))))
///     .train(model, &tokenizer, &examples)?;
/// assert_eq!(report.eval_history.len(), 2);
/// # Ok::<(), StudentError>(())
/// ```
#[derive(Debug)]
pub struct StudentTrainer<H: Module + ModuleDisplay = CrsdHeads> {
    config: StudentTrainConfig,
    options: TrainerOptions,
    objective: Arc<dyn Objective<Heads = H>>,
    evaluator: Option<Evaluator>,
}

impl StudentTrainer {
    /// A trainer by the configuration's objective.
    ///
    /// # Errors
    /// As [`ObjectiveConfig::init`](super::ObjectiveConfig::init).
    pub fn new(config: &StudentTrainConfig, options: TrainerOptions) -> Result<Self, StudentError> {
        Ok(Self {
            objective: config.objective.init()?,
            config: config.clone(),
            options,
            evaluator: None,
        })
    }
}

impl<H: Module + ModuleDisplay> StudentTrainer<H> {
    /// Minimises `objective`, in the place of the configuration's. What learns beside the student
    /// ([`Objective::Heads`]) may be any module.
    #[must_use]
    pub fn with_objective<G: Module + ModuleDisplay>(
        self,
        objective: Arc<dyn Objective<Heads = G>>,
    ) -> StudentTrainer<G> {
        StudentTrainer {
            config: self.config,
            options: self.options,
            objective,
            evaluator: self.evaluator,
        }
    }

    /// Looks at other pairs: every `eval_steps` of the training configuration `evaluator` gives the
    /// metrics that the best model and early stopping go by. `None` takes it away.
    #[must_use]
    pub fn with_evaluator(mut self, evaluator: impl Into<Option<Evaluator>>) -> Self {
        self.evaluator = evaluator.into();
        self
    }

    /// Trains `model` on `examples`; the report's model is for inference, as that of
    /// [`train_student`] is.
    ///
    /// # Errors
    /// As [`StudentTask::with_objective`]; [`StudentError::InvalidConfig`] if the tokenizer does not fit
    /// the model, or the configuration asks for evaluations and there is no evaluator;
    /// [`StudentError::Train`] from the loop, a loss that is not finite among it.
    pub fn train(
        self,
        model: BertForSequenceClassification,
        tokenizer: &PairTokenizer,
        examples: &[StudentExample],
    ) -> Result<TrainReport<BertForSequenceClassification>, StudentError> {
        let Self {
            config,
            options,
            objective,
            evaluator,
        } = self;
        if let (Some(steps), None) = (config.training.eval_steps, &evaluator) {
            let allowed = "absent where there is no evaluator";
            return Err(StudentError::invalid("eval_steps", steps, allowed));
        }
        check_fit(&model, tokenizer)?;
        if objective.passes().contains(&View::Reasoned) {
            let longest = tokenizer.config().max_reasoned_length;
            check_length("max_reasoned_length", longest, &model)?;
        }
        let model = match model.device().is_autodiff() {
            true => model,
            false => model.train(),
        };
        let (classes, device) = (model.config().num_labels(), model.device());
        let shared = Arc::clone(&objective);
        let mut task =
            StudentTask::with_objective(shared, examples, classes, tokenizer, &config, &device)?;
        if let Some(evaluator) = evaluator {
            task = task.with_evaluator(evaluator);
        }
        let module = StudentModule::new(model, &*objective, config.training.seed)?;
        let report = Trainer::new(config.training, options).fit(module, &task)?;
        Ok(report.map_model(|module| module.student.valid()))
    }
}
