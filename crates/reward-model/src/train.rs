//! Training reward heads.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::{Device, TensorData};
use causal_lm::LmTokenizer;
use relevance_data::PreferencePair;
use serde::{Deserialize, Serialize};
use training_loop::{
    BatchSampler, StepContext, StepOutput, TrainReport, TrainTask, Trainer, TrainerOptions,
    TrainingConfig,
};

use crate::bradley_terry::bradley_terry_loss;
use crate::encode::{EncodedReply, RewardBatch, encode_reply};
use crate::error::{RewardError, check};
use crate::length_limits::LengthLimits;
use crate::masked_regression::masked_regression_loss;
use crate::reward_heads::RewardHeads;

/// The hyper-parameters of a reward-model run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardTrainConfig {
    /// Lengths, and examples (or pairs) in a batch.
    pub limits: LengthLimits,
    /// m of the pairwise loss, on the scale of the reward; at least 0. Default 0.
    pub margin: f64,
    /// Train the heads only. Default false.
    pub freeze_backbone: bool,
    /// Optimizer, schedule, logging and checkpoints.
    pub training: TrainingConfig,
}

impl RewardTrainConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`RewardError::Config`] (or, for `training`, [`RewardError::Train`]) names the first field
    /// that is out of range.
    pub fn validate(&self) -> Result<(), RewardError> {
        self.limits.validate()?;
        let at_least_0 = |m: f64| m.is_finite() && m >= 0.0;
        check("margin", self.margin, at_least_0, "at least 0")?;
        Ok(self.training.validate()?)
    }
}

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

/// Fits the heads to scores: mean squared error over the dimensions that are present.
///
/// Logs `mse/{dimension}` beside the training loop's own entries.
///
/// # Errors
/// A configuration out of range, no examples, an example that cannot be used, and whatever the
/// tokenizer or the training loop report.
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
    let replies = examples
        .iter()
        .enumerate()
        .map(|(row, e)| encode_reply(tokenizer, &e.prompt, &e.reply, row, "reply", &config.limits));
    let task = RegressionTask {
        replies: replies.collect::<Result<_, _>>()?,
        targets: examples.iter().map(|e| e.targets.as_slice()).collect(),
        common: Common::new(&model, tokenizer, examples.len(), config),
    };
    Ok(Trainer::new(config.training.clone(), options).fit(model, &task)?)
}

/// Trains the reward on preferences: Bradley–Terry with a margin on the weighted mean of the heads.
///
/// Logs `accuracy` (the chosen reply has the higher reward), `margin` (the mean difference) and
/// `mean_reward`, TRL's names, beside the training loop's own entries.
///
/// # Errors
/// As [`train_regression`].
pub fn train_pairwise(
    model: RewardHeads,
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    config: &RewardTrainConfig,
    options: TrainerOptions,
) -> Result<TrainReport<RewardHeads>, RewardError> {
    let model = trainable(model, tokenizer, pairs.len(), config)?;
    let encode = |row, prompt: &str, reply: &str, field| {
        encode_reply(tokenizer, prompt, reply, row, field, &config.limits)
    };
    let replies = pairs.iter().enumerate().map(|(row, pair)| {
        let chosen = encode(row, &pair.prompt, &pair.chosen, "chosen")?;
        let rejected = encode(row, &pair.prompt, &pair.rejected, "rejected")?;
        Ok((chosen, rejected))
    });
    let task = PairwiseTask {
        replies: replies.collect::<Result<_, RewardError>>()?,
        common: Common::new(&model, tokenizer, pairs.len(), config),
    };
    Ok(Trainer::new(config.training.clone(), options).fit(model, &task)?)
}

/// Checks what both runs need, and puts the model where gradients are tracked.
fn trainable(
    model: RewardHeads,
    tokenizer: &LmTokenizer,
    examples: usize,
    config: &RewardTrainConfig,
) -> Result<RewardHeads, RewardError> {
    config.validate()?;
    if examples == 0 {
        return Err(RewardError::NoExamples {
            what: "example",
            to: "the reward heads",
        });
    }
    model.check_vocabulary(tokenizer)?;
    let model = if model.device().is_autodiff() {
        model
    } else {
        model.train()
    };
    Ok(if config.freeze_backbone {
        model.freeze_backbone()
    } else {
        model
    })
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

/// What both tasks share.
struct Common<'a> {
    sampler: BatchSampler,
    pad_id: u32,
    device: Device,
    config: &'a RewardTrainConfig,
    dimensions: Vec<String>,
}

impl<'a> Common<'a> {
    fn new(
        model: &RewardHeads,
        tokenizer: &LmTokenizer,
        examples: usize,
        config: &'a RewardTrainConfig,
    ) -> Self {
        Self {
            sampler: BatchSampler::new(examples, config.limits.batch_size),
            pad_id: tokenizer.pad_id(),
            device: model.device(),
            config,
            dimensions: model.dimensions().to_vec(),
        }
    }

    fn describe(&self, objective: &str) -> serde_json::Value {
        serde_json::json!({
            "objective": objective,
            "dimensions": self.dimensions,
            "limits": self.config.limits,
            "margin": self.config.margin,
            "freeze_backbone": self.config.freeze_backbone,
        })
    }
}

struct RegressionTask<'a> {
    replies: Vec<EncodedReply>,
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
        let replies: Vec<_> = rows.iter().map(|&row| self.replies[row].clone()).collect();
        let batch = RewardBatch::collate(&replies, self.common.pad_id, &self.common.device)?;
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

struct PairwiseTask<'a> {
    /// Chosen and rejected.
    replies: Vec<(EncodedReply, EncodedReply)>,
    common: Common<'a>,
}

impl TrainTask for PairwiseTask<'_> {
    type Model = RewardHeads;
    type Batch = (RewardBatch, usize);
    type Error = RewardError;

    fn num_batches(&self) -> usize {
        self.common.sampler.num_batches()
    }

    /// 2b replies, the chosen half first, and how many tokens they have.
    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, RewardError> {
        let rows = self.common.sampler.indices(epoch, index, seed);
        let chosen = rows.iter().map(|&row| self.replies[row].0.clone());
        let rejected = rows.iter().map(|&row| self.replies[row].1.clone());
        let both: Vec<EncodedReply> = chosen.chain(rejected).collect();
        let tokens = both.iter().map(EncodedReply::len).sum();
        let batch = RewardBatch::collate(&both, self.common.pad_id, &self.common.device)?;
        Ok((batch, tokens))
    }

    fn step(
        &self,
        model: &RewardHeads,
        (batch, tokens): Self::Batch,
        _: &StepContext,
    ) -> Result<StepOutput, RewardError> {
        let rewards = model.reward(model.forward(&batch)); // [2b]
        let b = rewards.dims()[0] / 2;
        let chosen = rewards.clone().narrow(0, 0, b); // [b]
        let rejected = rewards.clone().narrow(0, b, b); // [b]
        let margin = (chosen.clone() - rejected.clone()).detach(); // [b]
        let loss = bradley_terry_loss(chosen, rejected, self.common.config.margin).mean();
        Ok(StepOutput::new(loss)
            .with_tensor_metric(
                "accuracy",
                margin.clone().greater_scalar(0.0).float().mean(),
            )
            .with_tensor_metric("margin", margin.mean())
            .with_tensor_metric("mean_reward", rewards.detach().mean())
            .with_num_items(tokens))
    }

    fn config(&self) -> serde_json::Value {
        self.common.describe("pairwise")
    }

    fn item_name(&self) -> &'static str {
        "tokens"
    }
}
