//! Stage 1's knobs, and what they come to in the configs of the crates that do the work.

use causal_lm::{CausalLmConfig, GenerationConfig};
use preference_opt::DpoConfig;
use relevance_data::{LabelSchema, ReplyFormat};
use reward_model::{PairBuilderConfig, RewardTrainConfig};
use serde::{Deserialize, Serialize};
use teacher_train::{AnnotateConfig, PretrainConfig, PromptTemplate, SftConfig};
use training_loop::TrainingConfig;

use crate::check::at_least_1;
use crate::error::DistillError;

/// Stage 1: the teacher.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherConfig {
    /// A checkpoint was given with `--teacher-init`: its name, to compare on resume.
    pub init: Option<String>,
    /// Size of the vocabulary that a teacher from nothing learns.
    pub vocab_size: usize,
    /// Width of a teacher from nothing.
    pub hidden_size: usize,
    /// Layers of a teacher from nothing.
    pub num_hidden_layers: usize,
    /// Tokens that the teacher sees at most, prompt and reply together.
    pub max_length: usize,
    /// Tokens that a reply has at most; the rest of `max_length` is the prompt's.
    pub max_new_tokens: usize,
    /// Domain-adaptive pre-training.
    pub pretrain: TrainingConfig,
    /// Blocks of `max_length` tokens a batch, in pre-training.
    pub pretrain_batch_size: usize,
    /// Supervised fine-tuning.
    pub sft: TrainingConfig,
    /// Examples a batch, in fine-tuning.
    pub sft_batch_size: usize,
    /// Prompts whose replies are sampled for preference pairs.
    pub preference_prompts: usize,
    /// Replies sampled for each of them.
    pub replies_per_prompt: usize,
    /// Training of the reward head.
    pub reward_heads: TrainingConfig,
    /// Weight of the reward head as a dimension of the reward, beside the programmatic ones, which sum
    /// to 1; 0 leaves it out. Default 0.25.
    #[serde(default = "learned_weight")]
    pub learned_weight: f64,
    /// Preference optimisation.
    pub dpo: TrainingConfig,
    /// Pairs a batch, in preference optimisation and for the reward head.
    pub preference_batch_size: usize,
    /// DPO's β.
    pub beta: f64,
    /// Replies sampled for each log pair; the majority decides.
    pub annotation_samples: usize,
    /// Whether annotations carry the teacher's distribution over the labels, for distillation of
    /// logits; costs one more generation a pair.
    pub label_probabilities: bool,
    /// Sampling temperature of replies.
    pub temperature: f64,
    /// Prompts that are generated at once.
    pub generation_batch_size: usize,
}

/// Of all rewards a fifth, as much as consistency has among the programmatic ones.
pub(super) fn learned_weight() -> f64 {
    0.25
}

impl TeacherConfig {
    /// Checks every value, as the stages will use it.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`] names the field and what is allowed;
    /// [`DistillError::InvalidPart`] the stage whose own config is refused by its crate.
    pub fn validate(&self, seed: u64) -> Result<(), DistillError> {
        at_least_1([
            ("teacher.vocab_size", self.vocab_size),
            ("teacher.hidden_size", self.hidden_size),
            ("teacher.num_hidden_layers", self.num_hidden_layers),
            ("teacher.pretrain_batch_size", self.pretrain_batch_size),
            ("teacher.sft_batch_size", self.sft_batch_size),
            ("teacher.preference_prompts", self.preference_prompts),
            ("teacher.replies_per_prompt", self.replies_per_prompt),
            ("teacher.preference_batch_size", self.preference_batch_size),
            ("teacher.annotation_samples", self.annotation_samples),
            ("teacher.generation_batch_size", self.generation_batch_size),
        ])?;
        self.validate_lengths()?;
        if !(self.learned_weight.is_finite() && self.learned_weight >= 0.0) {
            let field = "teacher.learned_weight";
            return Err(DistillError::invalid(
                field,
                self.learned_weight,
                "at least 0",
            ));
        }
        let (pretrain, sft) = (self.pretrain_config(), self.sft_config());
        pretrain
            .validate()
            .map_err(DistillError::part("teacher.pretrain"))?;
        sft.validate().map_err(DistillError::part("teacher.sft"))?;
        let heads = self.reward_train_config();
        heads
            .validate()
            .map_err(DistillError::part("teacher.reward_heads"))?;
        let dpo = self.dpo_config();
        dpo.validate().map_err(DistillError::part("teacher.dpo"))?;
        let annotate = self.annotate_config(seed);
        annotate.validate().map_err(DistillError::part("teacher"))?;
        if self.init.is_none() {
            let size = self.decoder(self.vocab_size);
            size.validate().map_err(DistillError::part("teacher"))?;
        }
        Ok(())
    }

    /// A prompt and a reply share `max_length`, and a reply has two tokens at least: one, and its end.
    fn validate_lengths(&self) -> Result<(), DistillError> {
        if self.max_length < 3 {
            let allowed = "at least 3: a token of a prompt, one of a reply, and its end";
            return Err(DistillError::invalid(
                "teacher.max_length",
                self.max_length,
                allowed,
            ));
        }
        if !(2..self.max_length).contains(&self.max_new_tokens) {
            let most = self.max_length - 1;
            return Err(DistillError::invalid(
                "teacher.max_new_tokens",
                self.max_new_tokens,
                format!("2 to {most}, below teacher.max_length, which prompt and reply share"),
            ));
        }
        Ok(())
    }

    /// Tokens that a prompt has at most: what a reply leaves of `max_length`.
    pub fn max_prompt_length(&self) -> usize {
        self.max_length.saturating_sub(self.max_new_tokens)
    }

    /// What the teacher is asked. A small teacher, from nothing, has no room for definitions and learns
    /// the labels from examples.
    pub fn template(&self, schema: &LabelSchema) -> PromptTemplate {
        match self.init {
            Some(_) => PromptTemplate::esci(ReplyFormat::default()),
            None => PromptTemplate::compact(schema),
        }
    }

    /// The decoder of a teacher from nothing.
    pub fn decoder(&self, vocab_size: usize) -> CausalLmConfig {
        CausalLmConfig {
            vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: 3 * self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: (self.hidden_size / 32).max(1),
            num_key_value_heads: (self.hidden_size / 64).max(1),
            // Room for a verdict after a reply that has none.
            max_position_embeddings: self.max_length + 32,
            ..CausalLmConfig::default()
        }
    }

    /// Domain-adaptive pre-training.
    pub fn pretrain_config(&self) -> PretrainConfig {
        PretrainConfig::new()
            .with_context_length(self.max_length)
            .with_train_batch_size(self.pretrain_batch_size)
            .with_training(self.pretrain.clone())
    }

    /// Supervised fine-tuning.
    pub fn sft_config(&self) -> SftConfig {
        SftConfig::new()
            .with_max_length(self.max_length)
            .with_train_batch_size(self.sft_batch_size)
            .with_training(self.sft.clone())
    }

    /// How replies to a prompt are drawn, `replies` of them; a single one is the most probable one.
    pub fn generation(&self, replies: usize, seed: u64) -> GenerationConfig {
        GenerationConfig {
            max_new_tokens: self.max_new_tokens,
            do_sample: replies > 1,
            temperature: self.temperature,
            num_return_sequences: replies,
            seed,
            batch_size: self.generation_batch_size,
            ..GenerationConfig::default()
        }
    }

    /// Training of the reward head; the teacher under it stays as it is.
    pub fn reward_train_config(&self) -> RewardTrainConfig {
        RewardTrainConfig::new()
            .with_max_length(self.max_length)
            .with_max_prompt_length(self.max_prompt_length())
            .with_train_batch_size(self.preference_batch_size)
            .with_freeze_backbone(true)
            .with_training(self.reward_heads.clone())
    }

    /// How scored replies become pairs.
    pub fn pair_config(&self, seed: u64) -> PairBuilderConfig {
        PairBuilderConfig::new().with_seed(seed)
    }

    /// Preference optimisation.
    pub fn dpo_config(&self) -> DpoConfig {
        DpoConfig::new()
            .with_beta(self.beta)
            // A small teacher forgets the form of a reply without the likelihood term.
            .with_nll_weight(1.0)
            .with_max_length(self.max_length)
            .with_max_prompt_length(self.max_prompt_length())
            .with_train_batch_size(self.preference_batch_size)
            .with_training(self.dpo.clone())
    }

    /// Annotation of the log pairs.
    pub fn annotate_config(&self, seed: u64) -> AnnotateConfig {
        let name = self.init.as_deref().unwrap_or("from-nothing");
        AnnotateConfig::new()
            .with_teacher(name)
            .with_generation(self.generation(self.annotation_samples, seed))
            .with_label_probabilities(self.label_probabilities)
            .with_chunk_size(self.generation_batch_size * 2)
    }
}
