//! A training run from start to end.

use burn::module::Module;
use pair_tokenizer::PairTokenizer;
use training_loop::{TrainReport, Trainer, TrainerOptions};

use super::{Evaluator, StudentExample, StudentModule, StudentTask, StudentTrainConfig};
use crate::student::{check_fit, check_length};
use crate::{BertForSequenceClassification, StudentError};

/// Trains `model` on `examples`.
///
/// Under [`Objective::Crsd`](super::Objective::Crsd) every step runs two forward passes of the one model, on the standard and
/// the reasoned view, each padded to its own longest row; with `grad_cache_chunk_size`, chunk by chunk.
/// Logged at each entry, as means over the
/// batches since the last:
///
/// | metric | meaning |
/// |---|---|
/// | `loss` | the objective, nats |
/// | `loss_sce`, `loss_tce`, `loss_align` | its terms before λ; `loss_sce` alone under cross entropy |
/// | `loss_kd`, `loss_r_drop` | the further term of [`Objective::LogitKd`](super::Objective::LogitKd) and [`Objective::RDrop`](super::Objective::RDrop) |
/// | `lambda` | λ with its warm-up |
/// | `padding` | share of the positions of both views that are padding |
/// | `temperature` | τ, where it is learned |
/// | `queue_length` | entries of the memory queue, where there is one |
/// | `accuracy`, `accuracy_reasoned` | of the two views on the training batch |
/// | `diagonal_accuracy`, `chance_accuracy`, `alignment`, `uniformity`, `uniformity_reasoned`, `positive_similarity`, `negative_similarity`, `effective_rank`, `effective_rank_reasoned` | [`crsd_loss::Diagnostics`] of the last batch, as the align term sees it |
/// | `collapse_symptoms` | how many symptoms [`crsd_loss::CollapseAlarm`] found in it; from the end of λ's warm-up on each is a warning in the log, too |
///
/// A model on a plain device is moved to its autodiff twin. The report's model is still there;
/// [`Student::new`](crate::Student::new) and [`predict`](crate::predict) take it as it is.
///
/// # Errors
/// As [`StudentTask::new`]; [`StudentError::InvalidConfig`] if the tokenizer does not fit the model;
/// [`StudentError::Train`] from the loop, a loss that is not finite among it.
pub fn train_student(
    model: BertForSequenceClassification,
    tokenizer: &PairTokenizer,
    examples: &[StudentExample],
    config: &StudentTrainConfig,
    options: TrainerOptions,
) -> Result<TrainReport<BertForSequenceClassification>, StudentError> {
    train_student_with(model, tokenizer, examples, config, options, None)
}

/// [`train_student`] with a look at other pairs: every `eval_steps` of the training configuration
/// `evaluator` gives the metrics that the best model and early stopping go by.
///
/// # Errors
/// As [`train_student`]; [`StudentError::InvalidConfig`] if the configuration asks for evaluations
/// and there is no evaluator.
pub fn train_student_with(
    model: BertForSequenceClassification,
    tokenizer: &PairTokenizer,
    examples: &[StudentExample],
    config: &StudentTrainConfig,
    options: TrainerOptions,
    evaluator: Option<Evaluator>,
) -> Result<TrainReport<BertForSequenceClassification>, StudentError> {
    if let (Some(steps), None) = (config.training.eval_steps, &evaluator) {
        let allowed = "absent where there is no evaluator";
        return Err(StudentError::invalid("eval_steps", steps, allowed));
    }
    check_fit(&model, tokenizer)?;
    if config.objective.needs_reasons() {
        let longest = tokenizer.config().max_reasoned_length;
        check_length("max_reasoned_length", longest, &model)?;
    }
    let model = if model.device().is_autodiff() {
        model
    } else {
        model.train()
    };
    let classes = model.config().num_labels();
    let mut task = StudentTask::new(examples, classes, tokenizer, config, &model.device())?;
    if let Some(evaluator) = evaluator {
        task = task.with_evaluator(evaluator);
    }
    let module = StudentModule::new(model, &config.objective, config.training.seed)?;
    let report = Trainer::new(config.training.clone(), options).fit(module, &task)?;
    Ok(report.map_model(|module| module.student))
}
