//! Heads fitted to scores.

use burn::Tensor;
use burn::tensor::TensorData;
use causal_lm::{EncodedCompletion, LmTokenizer};
use training_loop::{StepContext, StepOutput, TrainReport, TrainTask, Trainer, TrainerOptions};

use super::{Common, RewardTrainConfig, trainable};
use crate::encode::{RewardBatch, encode_reply};
use crate::error::RewardError;
use crate::masked_regression::masked_regression_loss;
use crate::reward_heads::RewardHeads;

/// A reply with what is known of its scores.
#[derive(Debug, Clone, PartialEq)]
pub struct RegressionExample {
    /// The prompt.
    pub prompt: String,
    /// The reply.
    pub reply: String,
    /// A target for each dimension, in the order of [`RewardHeads::dimensions`]; `None` where it is
    /// missing.
    pub targets: Vec<Option<f64>>,
}

/// Fits the heads to scores: mean squared error over the dimensions that are present. Each head then
/// is on the scale of its targets, and [`LearnedDimension`](crate::LearnedDimension) can stand in for
/// the dimension it was fitted to.
///
/// Logs `mse/{dimension}` beside the training loop's own entries. The report's model is ready for
/// inference.
///
/// # Errors
/// A configuration out of range, a `max_length` above the backbone's context, no examples, an example
/// that cannot be used, and whatever the tokenizer or the training loop report.
pub fn train_regression(
    model: RewardHeads,
    tokenizer: &LmTokenizer,
    examples: &[RegressionExample],
    config: &RewardTrainConfig,
    options: TrainerOptions,
) -> Result<TrainReport<RewardHeads>, RewardError> {
    let model = trainable(model, tokenizer, examples.len(), config)?;
    let dimensions = model.dimensions().len();
    for (row, example) in examples.iter().enumerate() {
        check_targets(row, &example.targets, dimensions)?;
    }
    let encoder = config.limits().encoder(tokenizer)?;
    let replies = examples
        .iter()
        .enumerate()
        .map(|(row, e)| encode_reply(&encoder, &e.prompt, &e.reply, row));
    let task = RegressionTask {
        replies: replies.collect::<Result<_, _>>()?,
        targets: examples.iter().map(|e| e.targets.as_slice()).collect(),
        common: Common::new(&model, tokenizer, examples.len(), config),
    };
    Ok(Trainer::new(config.training.clone(), options).fit(model, &task)?)
}

fn check_targets(
    row: usize,
    targets: &[Option<f64>],
    dimensions: usize,
) -> Result<(), RewardError> {
    let refuse = |reason: String| RewardError::Example {
        row,
        field: "targets",
        reason,
    };
    if targets.len() != dimensions {
        let found = targets.len();
        return Err(refuse(format!(
            "{found} targets for {dimensions} dimensions"
        )));
    }
    match targets.iter().flatten().find(|target| !target.is_finite()) {
        Some(target) => Err(refuse(format!("{target} is not finite"))),
        None => Ok(()),
    }
}

struct RegressionTask<'a> {
    replies: Vec<EncodedCompletion>,
    targets: Vec<&'a [Option<f64>]>,
    common: Common<'a>,
}

impl TrainTask for RegressionTask<'_> {
    type Model = RewardHeads;
    type Batch = (RewardBatch, Vec<usize>);
    type Error = RewardError;

    fn num_batches(&self) -> usize {
        self.common.sampler.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, RewardError> {
        let rows = self.common.sampler.indices(epoch, index, seed);
        let replies = rows.iter().map(|&row| &self.replies[row]);
        let batch = RewardBatch::collate(replies, self.common.pad_id, &self.common.device)?;
        Ok((batch, rows))
    }

    fn step(
        &self,
        model: &RewardHeads,
        (batch, rows): Self::Batch,
        _: &StepContext,
    ) -> Result<StepOutput, RewardError> {
        let shape = [rows.len(), self.common.dimensions.len()];
        let flat = || rows.iter().flat_map(|&row| self.targets[row]);
        let targets: Vec<f32> = flat().map(|t| t.unwrap_or(0.0) as f32).collect();
        let present: Vec<bool> = flat().map(Option::is_some).collect();
        let targets = Tensor::<2>::from_data(TensorData::new(targets, shape), &self.common.device);
        let present = TensorData::new(present, shape);
        let present = Tensor::from_data(present, &self.common.device);
        let scores = model.forward(&batch); // [b, D]
        let loss = masked_regression_loss(scores.clone(), targets.clone(), present).mean();
        let errors = (scores.detach() - targets).square(); // [b, D]
        let step = StepOutput::new(loss).with_num_items(rows.len());
        Ok(self
            .common
            .dimensions
            .iter()
            .enumerate()
            .fold(step, |step, (d, name)| {
                let known: Vec<i64> = (0i64..)
                    .zip(&rows)
                    .filter(|(_, row)| self.targets[**row][d].is_some())
                    .map(|(i, _)| i)
                    .collect();
                if known.is_empty() {
                    return step;
                }
                let n = known.len();
                let known = Tensor::from_data(TensorData::new(known, [n]), &self.common.device);
                let mse = errors.clone().narrow(1, d, 1).select(0, known).mean(); // [1]
                step.with_tensor_metric(format!("mse/{name}"), mse)
            }))
    }

    fn config(&self) -> serde_json::Value {
        self.common.describe("regression")
    }
}
