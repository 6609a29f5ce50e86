//! A decoder with what it needs to judge pairs.

use causal_lm::{CausalLm, GenerationConfig, LmTokenizer};
use relevance_data::{LabelSchema, Pair};

use crate::error::TeacherError;
use crate::prompt::PromptTemplate;

/// A decoder with its tokenizer, its prompt and the labels: what samples, classifies and annotates.
#[derive(Clone, Debug)]
pub struct Teacher {
    /// The decoder.
    pub model: CausalLm,
    /// Its tokenizer.
    pub tokenizer: LmTokenizer,
    /// What it is asked.
    pub template: PromptTemplate,
    /// The labels.
    pub schema: LabelSchema,
    /// Tokens of a prompt at most; the item's text is cut to fit.
    pub max_prompt_length: usize,
}

impl Teacher {
    /// The prompt of each pair.
    ///
    /// # Errors
    /// [`TeacherError::PromptTooLong`] names a pair whose query alone does not fit.
    pub fn prompts<'a>(
        &self,
        pairs: impl IntoIterator<Item = &'a Pair>,
    ) -> Result<Vec<String>, TeacherError> {
        let limit = self.max_prompt_length;
        pairs
            .into_iter()
            .enumerate()
            .map(|(row, pair)| self.template.fit(pair, row, &self.tokenizer, limit))
            .collect()
    }

    /// Replies to each prompt, `generation.num_return_sequences` of them, without special tokens.
    ///
    /// # Errors
    /// Whatever the tokenizer or the generation report.
    pub fn replies(
        &self,
        prompts: &[String],
        generation: &GenerationConfig,
    ) -> Result<Vec<Vec<String>>, TeacherError> {
        let ids = self.tokenizer.encode_batch(prompts)?;
        self.decode(&self.model.generate(&ids, generation)?, generation)
    }

    /// As [`replies`](Self::replies), with a seed for each prompt, so that the replies to a prompt
    /// do not depend on its neighbours.
    pub(crate) fn seeded_replies(
        &self,
        prompts: &[String],
        seeds: &[u64],
        generation: &GenerationConfig,
    ) -> Result<Vec<Vec<String>>, TeacherError> {
        let ids = self.tokenizer.encode_batch(prompts)?;
        self.decode(
            &self.model.generate_seeded(&ids, seeds, generation)?,
            generation,
        )
    }

    fn decode(
        &self,
        replies: &[Vec<u32>],
        generation: &GenerationConfig,
    ) -> Result<Vec<Vec<String>>, TeacherError> {
        replies
            .chunks(generation.num_return_sequences.max(1))
            .map(|replies| {
                let texts = replies.iter().map(|ids| Ok(self.tokenizer.decode(ids)?));
                texts.collect::<Result<Vec<_>, TeacherError>>()
            })
            .collect()
    }
}
