//! Learned heads as one dimension among others.

use causal_lm::LmTokenizer;
use relevance_data::{Reply, ReplyFormat};

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::RewardError;
use crate::length_limits::LengthLimits;
use crate::reward_heads::RewardHeads;

/// The name of [`LearnedDimension::reward`].
const PREFERENCE: &str = "learned_preference";

/// [`RewardHeads`] beside programmatic dimensions: one head by its name, or the reward as a whole.
///
/// It runs the backbone once a reply; to score many replies with all heads at once,
/// [`RewardHeads::score`] is the better way.
///
/// ```
/// use burn::tensor::Device;
/// use causal_lm::{CausalLmConfig, LmTokenizer};
/// use relevance_data::{Item, LabelSchema, Pair, Query, ReplyFormat};
/// use reward_model::*;
/// # use tokenizers::{Tokenizer, models::wordlevel::WordLevel, pre_tokenizers::whitespace::Whitespace};
/// # let words = ["<eos>", "mug", "fits"];
/// # let vocab = words.iter().zip(0..).map(|(word, id)| (word.to_string(), id)).collect();
/// # let inner = WordLevel::builder().vocab(vocab).unk_token("<eos>".into()).build().unwrap();
/// # let mut inner = Tokenizer::new(inner);
/// # inner.with_pre_tokenizer(Some(Whitespace {}));
/// # let tokenizer = LmTokenizer::from_tokenizer(inner, "<eos>", "<eos>")?;
/// # let decoder = CausalLmConfig {
/// #     vocab_size: tokenizer.vocab_size(), hidden_size: 16, intermediate_size: 32,
/// #     num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1,
/// #     ..CausalLmConfig::default()
/// # };
/// # let backbone = decoder.init(1, &Device::flex())?;
///
/// let heads = RewardHeads::new(backbone, &DimensionWeights::default(), 1)?;
/// let (format, limits) = (ReplyFormat::default(), LengthLimits::new());
/// let learned = LearnedDimension::reward(heads, tokenizer, format, limits)?;
/// let reward = CompositeReward::gate(format)
///     .with_dimension(Box::new(Correctness::Ordinal), 0.7)?
///     .with_dimension(Box::new(learned), 0.3)?;
///
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("q", "mug"), item: Item::new("i", "mug") };
/// let gold = Some(schema.parse("Exact")?);
/// let input = RewardInput { prompt: "mug mug", pair: &pair, gold, schema: &schema };
/// let score = reward.score("fits\n<label>Exact</label>", &input)?;
/// let learned = score.dimension("learned_preference").unwrap();
/// assert!((score.reward - (0.7 + 0.3 * learned)).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LearnedDimension {
    heads: RewardHeads,
    tokenizer: LmTokenizer,
    format: ReplyFormat,
    limits: LengthLimits,
    part: Part,
}

/// What of the heads is read.
#[derive(Debug, Clone, Copy)]
enum Part {
    Head(usize),
    Reward,
}

impl LearnedDimension {
    /// The head of that name, clamped to [0, 1]: a stand-in for the dimension that it was fitted to by
    /// [`train_regression`](crate::train_regression). After pairwise training a single head means
    /// nothing; [`LearnedDimension::reward`] is for that.
    ///
    /// # Errors
    /// [`RewardError::UnknownDimension`] if there is none; [`RewardError::InvalidConfig`].
    pub fn new(
        heads: RewardHeads,
        tokenizer: LmTokenizer,
        format: ReplyFormat,
        limits: LengthLimits,
        name: &str,
    ) -> Result<Self, RewardError> {
        let index = heads.dimensions().iter().position(|d| d == name);
        let index = index.ok_or_else(|| RewardError::UnknownDimension {
            name: name.to_owned(),
            allowed: heads.dimensions().to_vec(),
        })?;
        Self::of(heads, tokenizer, format, limits, Part::Head(index))
    }

    /// The reward R as a whole, under the name `learned_preference`.
    ///
    /// After [`train_pairwise`](crate::train_pairwise) it is `σ(R − R̄)`, R̄ being
    /// [`RewardHeads::reference_reward`]: under Bradley–Terry the probability that the reply is
    /// preferred to one of average reward. Otherwise R is on the scale of the heads' targets and is
    /// clamped to [0, 1].
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] if `limits` are out of range.
    pub fn reward(
        heads: RewardHeads,
        tokenizer: LmTokenizer,
        format: ReplyFormat,
        limits: LengthLimits,
    ) -> Result<Self, RewardError> {
        Self::of(heads, tokenizer, format, limits, Part::Reward)
    }

    fn of(
        heads: RewardHeads,
        tokenizer: LmTokenizer,
        format: ReplyFormat,
        limits: LengthLimits,
        part: Part,
    ) -> Result<Self, RewardError> {
        limits.validate()?;
        limits.fits(heads.backbone().config())?;
        Ok(Self {
            heads,
            tokenizer,
            format,
            limits,
            part,
        })
    }
}

impl RewardDimension for LearnedDimension {
    fn name(&self) -> &str {
        match self.part {
            Part::Head(index) => &self.heads.dimensions()[index],
            Part::Reward => PREFERENCE,
        }
    }

    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let text = self.format.render(reply, input.schema);
        let replies = [(input.prompt, text.as_str())];
        let scores = self.heads.score(&self.tokenizer, &replies, &self.limits)?;
        let score = match (self.part, self.heads.reference_reward()) {
            (Part::Head(index), _) => f64::from(scores[0][index]),
            (Part::Reward, None) => self.heads.mean_of(&scores[0]),
            (Part::Reward, Some(reference)) => sigmoid(self.heads.mean_of(&scores[0]) - reference),
        };
        Ok(Some(score.clamp(0.0, 1.0)))
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
