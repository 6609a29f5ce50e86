//! Training reward heads: what regression and pairwise training share.

mod config;
mod pairwise;
mod regression;

use burn::module::Module;
use burn::tensor::Device;
use causal_lm::LmTokenizer;
use training_loop::BatchSampler;

pub use config::RewardTrainConfig;
pub use pairwise::{PairwiseReport, train_pairwise};
pub use regression::{RegressionExample, train_regression};

use crate::error::RewardError;
use crate::reward_heads::RewardHeads;

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
    config.limits().fits(model.backbone().config())?;
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
            sampler: BatchSampler::new(examples, config.train_batch_size),
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
            "max_length": self.config.max_length,
            "max_prompt_length": self.config.max_prompt_length,
            "train_batch_size": self.config.train_batch_size,
            "margin": self.config.margin,
            "freeze_backbone": self.config.freeze_backbone,
        })
    }
}
