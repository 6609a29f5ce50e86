//! Preference optimisation as a task of the training loop.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use causal_lm::{CausalLm, EncodedPair, LmBatch, LmExample, sequence_log_probs};
use training_loop::{BatchSampler, StepContext, StepOutput, TrainTask};

use crate::config::DpoConfig;
use crate::error::PreferenceError;
use crate::preference_loss::{PairLogProbs, PreferenceLoss};

/// The model that the policy is compared with.
pub(crate) enum Reference {
    /// Its summed log-probabilities of (chosen, rejected), for each pair.
    Precomputed(Vec<(f32, f32)>),
    /// Itself, without gradients.
    Model(Box<CausalLm>),
}

pub(crate) struct PreferenceTask<'a, L> {
    pub(crate) pairs: &'a [EncodedPair],
    /// What the encoding had to cut or leave out.
    pub(crate) warnings: Vec<String>,
    pub(crate) reference: Reference,
    pub(crate) loss: &'a L,
    pub(crate) config: &'a DpoConfig,
    pub(crate) sampler: BatchSampler,
    pub(crate) pad_id: u32,
    pub(crate) device: Device,
}

pub(crate) struct PreferenceBatch {
    /// 2b sequences, the chosen half first.
    both: LmBatch,
    /// The pairs.
    rows: Vec<usize>,
    /// Real tokens.
    tokens: usize,
}

impl<L: PreferenceLoss> TrainTask for PreferenceTask<'_, L> {
    type Model = CausalLm;
    type Batch = PreferenceBatch;
    type Error = PreferenceError;

    fn num_batches(&self) -> usize {
        self.sampler.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, Self::Error> {
        let rows = self.sampler.indices(epoch, index, seed);
        let pairs: Vec<_> = rows.iter().map(|&row| &self.pairs[row]).collect();
        let tokens = pairs
            .iter()
            .map(|pair| pair.chosen.len() + pair.rejected.len())
            .sum();
        let both = collate(&pairs, self.pad_id, &self.device)?;
        Ok(PreferenceBatch { both, rows, tokens })
    }

    fn step(
        &self,
        model: &CausalLm,
        batch: PreferenceBatch,
        context: &StepContext,
    ) -> Result<StepOutput, Self::Error> {
        let policy = pair_log_probs(model, &batch.both)?;
        let reference = match &self.reference {
            Reference::Precomputed(values) => self.look_up(values, &batch.rows, &policy),
            Reference::Model(reference) => {
                let pairs: Vec<_> = batch.rows.iter().map(|&row| &self.pairs[row]).collect();
                let plain = self.device.clone().inner();
                let values = pair_log_probs(reference, &collate(&pairs, self.pad_id, &plain)?)?;
                PairLogProbs {
                    chosen: Tensor::from_inner(values.chosen),
                    rejected: Tensor::from_inner(values.rejected),
                    chosen_tokens: policy.chosen_tokens.clone(),
                    rejected_tokens: policy.rejected_tokens.clone(),
                }
            }
        };
        let output = self.loss.forward(policy, reference);
        let mut step =
            StepOutput::new(output.per_example.clone().mean()).with_num_items(batch.tokens);
        if context.micro_step == 0 {
            step.warnings.extend(self.warnings.iter().cloned());
        }
        Ok(output
            .metrics()
            .into_iter()
            .fold(step, |step, (name, value)| {
                step.with_tensor_metric(name, value)
            }))
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({
            "loss": self.loss.config(),
            "max_length": self.config.max_length,
            "max_prompt_length": self.config.max_prompt_length,
            "train_batch_size": self.config.train_batch_size,
            "shuffle": self.config.shuffle,
            "precompute_ref_log_probs": self.config.precompute_ref_log_probs,
        })
    }

    fn item_name(&self) -> &'static str {
        "tokens"
    }
}

impl<L> PreferenceTask<'_, L> {
    fn look_up(
        &self,
        values: &[(f32, f32)],
        rows: &[usize],
        policy: &PairLogProbs,
    ) -> PairLogProbs {
        let tensor = |of: fn(&(f32, f32)) -> f32| {
            let values: Vec<f32> = rows.iter().map(|&row| of(&values[row])).collect();
            Tensor::from_data(TensorData::from(values.as_slice()), &self.device)
        };
        PairLogProbs {
            chosen: tensor(|v| v.0),
            rejected: tensor(|v| v.1),
            chosen_tokens: policy.chosen_tokens.clone(),
            rejected_tokens: policy.rejected_tokens.clone(),
        }
    }
}

/// The summed log-probabilities of all pairs under `model`, which has no gradients.
pub(crate) fn reference_log_probs(
    model: &CausalLm,
    pairs: &[EncodedPair],
    batch_size: usize,
    pad_id: u32,
    device: &Device,
) -> Result<Vec<(f32, f32)>, PreferenceError> {
    let mut values = Vec::with_capacity(pairs.len());
    for chunk in pairs.chunks(batch_size) {
        let chunk: Vec<_> = chunk.iter().collect();
        let both = pair_log_probs(model, &collate(&chunk, pad_id, device)?)?;
        let all = Tensor::cat(vec![both.chosen, both.rejected], 0).into_data();
        let all: Vec<f32> = all.iter::<f32>().collect();
        let (chosen, rejected) = all.split_at(chunk.len());
        values.extend(chosen.iter().copied().zip(rejected.iter().copied()));
    }
    Ok(values)
}

/// One batch of 2b sequences, the chosen half first, as in TRL: one forward pass for both.
fn collate(
    pairs: &[&EncodedPair],
    pad_id: u32,
    device: &Device,
) -> Result<LmBatch, PreferenceError> {
    let chosen = pairs.iter().map(|pair| pair.chosen.example.clone());
    let rejected = pairs.iter().map(|pair| pair.rejected.example.clone());
    let both: Vec<LmExample> = chosen.chain(rejected).collect();
    Ok(LmBatch::collate(&both, pad_id, device)?)
}

fn pair_log_probs(model: &CausalLm, both: &LmBatch) -> Result<PairLogProbs, PreferenceError> {
    let log_probs = sequence_log_probs(model, both);
    let b = log_probs.sum.dims()[0] / 2;
    let halves = |both: Tensor<1>| (both.clone().narrow(0, 0, b), both.narrow(0, b, b));
    let (chosen, rejected) = halves(log_probs.sum); // [b], [b]
    let (chosen_tokens, rejected_tokens) = halves(log_probs.tokens); // [b], [b]
    Ok(PairLogProbs {
        chosen,
        rejected,
        chosen_tokens,
        rejected_tokens,
    })
}
