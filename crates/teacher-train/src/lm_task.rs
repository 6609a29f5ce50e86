//! Next-token training as a task of the training loop: pre-training and fine-tuning differ in their
//! examples only.

use burn::module::Module;
use burn::tensor::Device;
use causal_lm::{CausalLm, CausalLmError, LmBatch, LmExample, LmTokenizer, next_token_loss};
use training_loop::{
    BatchSampler, StepContext, StepOutput, TrainReport, TrainTask, Trainer, TrainerOptions,
    TrainingConfig,
};

use crate::error::TeacherError;

struct LmTask<'a> {
    examples: &'a [LmExample],
    sampler: BatchSampler,
    pad_id: u32,
    device: Device,
    settings: serde_json::Value,
}

impl TrainTask for LmTask<'_> {
    type Model = CausalLm;
    type Batch = (LmBatch, usize);
    type Error = CausalLmError;

    fn num_batches(&self) -> usize {
        self.sampler.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, CausalLmError> {
        let rows = self.sampler.indices(epoch, index, seed);
        let examples: Vec<LmExample> = rows.iter().map(|&row| self.examples[row].clone()).collect();
        let tokens = examples.iter().map(LmExample::len).sum();
        Ok((
            LmBatch::collate(&examples, self.pad_id, &self.device)?,
            tokens,
        ))
    }

    fn step(
        &self,
        model: &CausalLm,
        (batch, tokens): Self::Batch,
        _: &StepContext,
    ) -> Result<StepOutput, CausalLmError> {
        Ok(StepOutput::new(next_token_loss(model, &batch)?).with_num_items(tokens))
    }

    fn config(&self) -> serde_json::Value {
        self.settings.clone()
    }

    fn item_name(&self) -> &'static str {
        "tokens"
    }
}

/// Trains `model` on the next tokens of `examples`, and gives back its inference copy.
pub(crate) fn train(
    model: CausalLm,
    tokenizer: &LmTokenizer,
    examples: &[LmExample],
    batch_size: usize,
    training: &TrainingConfig,
    options: TrainerOptions,
) -> Result<TrainReport<CausalLm>, TeacherError> {
    check_vocabulary(&model, tokenizer)?;
    if examples.is_empty() {
        return Err(TeacherError::Empty { what: "examples" });
    }
    let device = model.device();
    let device = if device.is_autodiff() {
        device
    } else {
        device.autodiff()
    };
    let model = model.train().fork(&device);
    let task = LmTask {
        examples,
        sampler: BatchSampler::new(examples.len(), batch_size),
        pad_id: tokenizer.pad_id(),
        device,
        settings: serde_json::json!({
            "train_batch_size": batch_size,
            "examples": examples.len(),
        }),
    };
    Ok(Trainer::new(training.clone(), options).fit(model, &task)?)
}

/// A token that the model has no embedding for would be found in the middle of a run.
pub(crate) fn check_vocabulary(
    model: &CausalLm,
    tokenizer: &LmTokenizer,
) -> Result<(), TeacherError> {
    let (tokens, embeddings) = (tokenizer.vocab_size(), model.config().vocab_size);
    if tokens <= embeddings {
        return Ok(());
    }
    Err(TeacherError::VocabularyMismatch { tokens, embeddings })
}
