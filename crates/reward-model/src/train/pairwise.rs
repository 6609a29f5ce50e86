//! Heads trained on preferences, and what they learnt of pairs they have not seen.

use std::collections::{HashMap, HashSet};

use causal_lm::{CompletionPair, EncodedPair, LmTokenizer};
use relevance_data::{PreferencePair, ReplyFormat};
use training_loop::{StepContext, StepOutput, TrainReport, TrainTask, Trainer, TrainerOptions};

use super::{Common, RewardTrainConfig, trainable};
use crate::bradley_terry::bradley_terry_loss;
use crate::encode::RewardBatch;
use crate::error::RewardError;
use crate::held_out::{HeadsVerdict, HeldOutAccuracy};
use crate::learned_dimension::LearnedDimension;
use crate::length_limits::LengthLimits;
use crate::reward_heads::RewardHeads;

/// What came of pairwise training.
#[derive(Debug)]
#[non_exhaustive]
pub struct PairwiseReport {
    /// The run; its model is ready for inference.
    pub training: TrainReport<RewardHeads>,
    /// How the reward orders the held-out pairs; none if there are none, or if the run was interrupted.
    pub held_out: Option<HeldOutAccuracy>,
}

impl PairwiseReport {
    /// Whether the heads are worth using, by pairs that they were not trained on.
    pub fn verdict(&self) -> HeadsVerdict {
        let held_out = self.held_out.as_ref();
        held_out.map_or(HeadsVerdict::NotMeasured, HeldOutAccuracy::verdict)
    }

    /// The learned reward as a dimension for [`CompositeReward`](crate::CompositeReward), if its
    /// verdict is [`HeadsVerdict::BetterThanChance`]: heads that are not, or of which nothing is
    /// known, would add noise to the other dimensions.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] if `limits` are out of range.
    pub fn dimension(
        &self,
        tokenizer: LmTokenizer,
        format: ReplyFormat,
        limits: LengthLimits,
    ) -> Result<Option<LearnedDimension>, RewardError> {
        if self.verdict() != HeadsVerdict::BetterThanChance {
            return Ok(None);
        }
        let heads = self.training.model.clone();
        LearnedDimension::reward(heads, tokenizer, format, limits).map(Some)
    }
}

/// Trains the reward on preferences: Bradley–Terry with a margin on the weighted mean of the heads.
///
/// `held_out` are pairs of other prompts, which are not trained on: [`PairwiseReport::held_out`] tells
/// how the trained reward orders them. [`split_by_prompt`](crate::split_by_prompt) makes the two sets of
/// one. Only the mean of the heads is learnt: a single head means nothing after this training.
///
/// Logs `accuracy` (the chosen reply has the higher reward), `margin` (the mean difference) and
/// `mean_reward`, TRL's names, beside the training loop's own entries; these are of the pairs that are
/// trained on. Pairs whose replies are equal once cut are left out; how many is a warning of the first
/// step.
///
/// ```
/// use burn::tensor::Device;
/// use causal_lm::{CausalLmConfig, LmTokenizer};
/// use relevance_data::PreferencePair;
/// use reward_model::{
///     DimensionWeights, HeadsVerdict, RewardHeads, RewardTrainConfig, split_by_prompt, train_pairwise,
/// };
/// use training_loop::{TrainerOptions, TrainingConfig};
/// # use tokenizers::{Tokenizer, models::wordlevel::WordLevel, pre_tokenizers::whitespace::Whitespace};
/// # let words = ["<eos>", "mug", "hose", "lamp", "sock", "desk", "shoe", "good", "bad"];
/// # let vocab = words.iter().zip(0..).map(|(word, id)| (word.to_string(), id)).collect();
/// # let inner = WordLevel::builder().vocab(vocab).unk_token("<eos>".into()).build().unwrap();
/// # let mut inner = Tokenizer::new(inner);
/// # inner.with_pre_tokenizer(Some(Whitespace {}));
/// # let tokenizer = LmTokenizer::from_tokenizer(inner, "<eos>", "<eos>")?;
///
/// let decoder = CausalLmConfig {
///     vocab_size: tokenizer.vocab_size(),
///     hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
///     num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 64,
///     ..CausalLmConfig::default()
/// };
/// let backbone = decoder.init(1, &Device::flex())?;
/// let heads = RewardHeads::new(backbone, &DimensionWeights::default(), 1)?;
/// let pair = |prompt: String| PreferencePair {
///     prompt, chosen: "good".into(), rejected: "bad".into(),
///     ..PreferencePair::default()
/// };
/// let things = ["mug", "hose", "lamp", "sock", "desk", "shoe"];
/// let pairs: Vec<_> = (0..36).map(|i| pair(format!("{} {}", things[i / 6], things[i % 6]))).collect();
/// let config = RewardTrainConfig::new()
///     .with_max_length(16).with_max_prompt_length(8)
///     .with_training(TrainingConfig::new().with_learning_rate(1e-2).with_max_steps(20));
/// let (pairs, held_out) = split_by_prompt(pairs, 0.2, 42)?;
/// let options = TrainerOptions::new();
/// let report = train_pairwise(heads, &tokenizer, &pairs, &held_out, &config, options)?;
/// let accuracy = report.held_out.as_ref().expect("pairs were held out");
/// assert_eq!((pairs.len(), accuracy.pairs, accuracy.right), (29, 7, 7));
/// assert_eq!(report.verdict(), HeadsVerdict::BetterThanChance); // p = 1 / 2⁷
/// assert!(!report.training.model.device().is_autodiff()); // ready for inference
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`train_regression`](crate::train_regression); [`RewardError::NoExamples`] also if cutting makes
/// the replies of every pair equal; [`RewardError::HeldOutPrompt`] if a held-out pair has the prompt of
/// a pair that is trained on.
pub fn train_pairwise(
    model: RewardHeads,
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    held_out: &[PreferencePair],
    config: &RewardTrainConfig,
    options: TrainerOptions,
) -> Result<PairwiseReport, RewardError> {
    let model = trainable(model, tokenizer, pairs.len(), config)?;
    check_prompts(pairs, held_out)?;
    let encoder = config.limits().encoder(tokenizer)?;
    let encoded = encoder.encode_pairs(pairs.iter().map(texts))?;
    let unseen = encoder.encode_pairs(held_out.iter().map(texts))?;
    if encoded.pairs.is_empty() {
        return Err(RewardError::NoExamples {
            what: "pair whose replies differ within `max_length`",
            to: "the reward heads",
        });
    }
    let task = PairwiseTask {
        common: Common::new(&model, tokenizer, encoded.pairs.len(), config),
        warnings: encoded.warnings(),
        pairs: encoded.pairs,
    };
    let mut training = Trainer::new(config.training.clone(), options).fit(model, &task)?;
    let mut accuracy = None;
    if !training.interrupted {
        let model = &mut training.model;
        let rewards = task.rewards(model, &task.pairs)?;
        let sum: f64 = rewards
            .iter()
            .map(|(chosen, rejected)| chosen + rejected)
            .sum();
        model.set_reference_reward(sum / (2 * rewards.len()) as f64);
        let prompts = number_prompts(unseen.rows.iter().map(|&row| held_out[row].prompt.as_str()));
        let rewards = task.rewards(model, &unseen.pairs)?;
        let margins = rewards
            .into_iter()
            .map(|(chosen, rejected)| chosen - rejected);
        accuracy = HeldOutAccuracy::from_margins(prompts.into_iter().zip(margins));
    }
    Ok(PairwiseReport {
        training,
        held_out: accuracy,
    })
}

fn texts(pair: &PreferencePair) -> CompletionPair<'_> {
    CompletionPair {
        prompt: &pair.prompt,
        chosen: &pair.chosen,
        rejected: &pair.rejected,
    }
}

/// An accuracy on prompts that were trained on would say nothing.
fn check_prompts(pairs: &[PreferencePair], held_out: &[PreferencePair]) -> Result<(), RewardError> {
    let seen: HashSet<&str> = pairs.iter().map(|pair| pair.prompt.as_str()).collect();
    let both = held_out
        .iter()
        .position(|pair| seen.contains(pair.prompt.as_str()));
    both.map_or(Ok(()), |row| Err(RewardError::HeldOutPrompt { row }))
}

/// A number for each prompt, the same for the same text.
fn number_prompts<'a>(prompts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    prompts
        .map(|prompt| {
            let next = numbers.len();
            *numbers.entry(prompt).or_insert(next)
        })
        .collect()
}

struct PairwiseTask<'a> {
    pairs: Vec<EncodedPair>,
    /// What the encoding had to cut or leave out.
    warnings: Vec<String>,
    common: Common<'a>,
}

impl PairwiseTask<'_> {
    /// The rewards of chosen and rejected replies under `model`, which has no gradients.
    fn rewards(
        &self,
        model: &RewardHeads,
        pairs: &[EncodedPair],
    ) -> Result<Vec<(f64, f64)>, RewardError> {
        let device = model.device();
        let mut all = Vec::with_capacity(pairs.len());
        for chunk in pairs.chunks(self.common.config.train_batch_size) {
            let chosen = chunk.iter().map(|pair| &pair.chosen);
            let rejected = chunk.iter().map(|pair| &pair.rejected);
            let replies = chosen.chain(rejected);
            let batch = RewardBatch::collate(replies, self.common.pad_id, &device)?;
            let rewards = model.reward(model.forward(&batch)).into_data(); // [2b]
            let rewards: Vec<f64> = rewards.iter::<f64>().collect();
            let (chosen, rejected) = rewards.split_at(chunk.len());
            all.extend(chosen.iter().copied().zip(rejected.iter().copied()));
        }
        Ok(all)
    }
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
        let chosen = rows.iter().map(|&row| &self.pairs[row].chosen);
        let rejected = rows.iter().map(|&row| &self.pairs[row].rejected);
        let both: Vec<_> = chosen.chain(rejected).collect();
        let tokens = both.iter().map(|reply| reply.len()).sum();
        let batch = RewardBatch::collate(both, self.common.pad_id, &self.common.device)?;
        Ok((batch, tokens))
    }

    fn step(
        &self,
        model: &RewardHeads,
        (batch, tokens): Self::Batch,
        context: &StepContext,
    ) -> Result<StepOutput, RewardError> {
        let rewards = model.reward(model.forward(&batch)); // [2b]
        let b = rewards.dims()[0] / 2;
        let chosen = rewards.clone().narrow(0, 0, b); // [b]
        let rejected = rewards.clone().narrow(0, b, b); // [b]
        let margin = (chosen.clone() - rejected.clone()).detach(); // [b]
        let loss = bradley_terry_loss(chosen, rejected, self.common.config.margin).mean();
        let accuracy = margin.clone().greater_scalar(0.0).float().mean();
        let mut step = StepOutput::new(loss)
            .with_tensor_metric("accuracy", accuracy)
            .with_tensor_metric("margin", margin.mean())
            .with_tensor_metric("mean_reward", rewards.detach().mean())
            .with_num_items(tokens);
        if context.micro_step == 0 {
            step.warnings.extend(self.warnings.iter().cloned());
        }
        Ok(step)
    }

    fn config(&self) -> serde_json::Value {
        self.common.describe("pairwise")
    }

    fn item_name(&self) -> &'static str {
        "tokens"
    }
}
