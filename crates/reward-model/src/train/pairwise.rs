//! Heads trained on preferences, and what they learnt of pairs they have not seen.

use std::collections::HashMap;

use causal_lm::{CompletionPair, EncodedPair, LmTokenizer};
use relevance_data::{PreferencePair, ReplyFormat};
use training_loop::{StepContext, StepOutput, TrainReport, TrainTask, Trainer, TrainerOptions};

use super::{Common, RewardTrainConfig, trainable};
use crate::bradley_terry::bradley_terry_loss;
use crate::encode::RewardBatch;
use crate::error::RewardError;
use crate::held_out::{HeadsVerdict, HeldOutAccuracy, held_out};
use crate::learned_dimension::LearnedDimension;
use crate::length_limits::LengthLimits;
use crate::reward_heads::RewardHeads;

/// What came of pairwise training.
#[derive(Debug)]
#[non_exhaustive]
pub struct PairwiseReport {
    /// The run; its model is ready for inference.
    pub training: TrainReport<RewardHeads>,
    /// Pairs that were trained on.
    pub trained_pairs: usize,
    /// How the reward orders the pairs that were not; none if there are none, or if the run was
    /// interrupted.
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
/// The pairs of [`held_out_fraction`](RewardTrainConfig::held_out_fraction) of the prompts are not
/// trained on; [`PairwiseReport::held_out`] tells how the trained reward orders them. Only the mean of
/// the heads is learnt: a single head means nothing after this training.
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
/// use reward_model::{DimensionWeights, HeadsVerdict, RewardHeads, RewardTrainConfig, train_pairwise};
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
/// let backbone = decoder.init_with_seed(1, &Device::flex())?;
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
/// let report = train_pairwise(heads, &tokenizer, &pairs, &config, TrainerOptions::new())?;
/// let held_out = report.held_out.as_ref().expect("a fifth of the prompts");
/// assert_eq!((report.trained_pairs, held_out.pairs, held_out.right), (29, 7, 7));
/// assert_eq!(report.verdict(), HeadsVerdict::BetterThanChance); // p = 1 / 2⁷
/// assert!(!report.training.model.device().is_autodiff()); // ready for inference
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`train_regression`](crate::train_regression); [`RewardError::NoExamples`] also if no pair is
/// left to train on.
pub fn train_pairwise(
    model: RewardHeads,
    tokenizer: &LmTokenizer,
    pairs: &[PreferencePair],
    config: &RewardTrainConfig,
    options: TrainerOptions,
) -> Result<PairwiseReport, RewardError> {
    let model = trainable(model, tokenizer, pairs.len(), config)?;
    let texts = pairs.iter().map(|pair| CompletionPair {
        prompt: &pair.prompt,
        chosen: &pair.chosen,
        rejected: &pair.rejected,
    });
    let encoded = config.limits().encoder(tokenizer)?.encode_pairs(texts)?;
    let warnings = encoded.warnings();
    let prompts = number_prompts(encoded.rows.iter().map(|&row| pairs[row].prompt.as_str()));
    let out = held_out(&prompts, config.held_out_fraction, config.training.seed);
    let (mut trained, mut unseen) = (Vec::new(), Vec::new());
    for ((pair, prompt), out) in encoded.pairs.into_iter().zip(prompts).zip(out) {
        if out {
            unseen.push((pair, prompt));
        } else {
            trained.push(pair);
        }
    }
    if trained.is_empty() {
        return Err(RewardError::NoExamples {
            what: "pair whose replies differ within `max_length`",
            to: "the reward heads",
        });
    }
    let task = PairwiseTask {
        common: Common::new(&model, tokenizer, trained.len(), config),
        pairs: trained,
        warnings,
    };
    let mut training = Trainer::new(config.training.clone(), options).fit(model, &task)?;
    let held_out = if training.interrupted {
        None
    } else {
        measure(&mut training.model, &task, &unseen)?
    };
    Ok(PairwiseReport {
        training,
        trained_pairs: task.pairs.len(),
        held_out,
    })
}

/// A number for each prompt, the same for the same text.
fn number_prompts<'a>(prompts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut number = |prompt| {
        let next = numbers.len();
        *numbers.entry(prompt).or_insert(next)
    };
    prompts.map(&mut number).collect()
}

/// Measures the reward on unseen pairs, and sets its reference to the mean over their replies (those
/// of the pairs that were trained on, if there are no others).
fn measure(
    model: &mut RewardHeads,
    task: &PairwiseTask<'_>,
    unseen: &[(EncodedPair, usize)],
) -> Result<Option<HeldOutAccuracy>, RewardError> {
    let measured: Vec<&EncodedPair> = match unseen {
        [] => task.pairs.iter().collect(),
        _ => unseen.iter().map(|(pair, _)| pair).collect(),
    };
    let device = model.device();
    let (mut margins, mut sum) = (Vec::with_capacity(measured.len()), 0.0);
    for chunk in measured.chunks(task.common.config.train_batch_size) {
        let chosen = chunk.iter().map(|pair| &pair.chosen);
        let rejected = chunk.iter().map(|pair| &pair.rejected);
        let replies = chosen.chain(rejected);
        let batch = RewardBatch::collate(replies, task.common.pad_id, &device)?;
        let rewards = model.reward(model.forward(&batch)).into_data(); // [2b]
        let rewards: Vec<f64> = rewards.iter::<f64>().collect();
        sum += rewards.iter().sum::<f64>();
        let (chosen, rejected) = rewards.split_at(chunk.len());
        margins.extend(chosen.iter().zip(rejected).map(|(w, l)| w - l));
    }
    model.set_reference_reward(sum / (2 * measured.len()) as f64);
    let prompts = unseen.iter().map(|(_, prompt)| *prompt);
    Ok(HeldOutAccuracy::from_margins(prompts.zip(margins)))
}

struct PairwiseTask<'a> {
    pairs: Vec<EncodedPair>,
    /// What the encoding had to cut or leave out.
    warnings: Vec<String>,
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
