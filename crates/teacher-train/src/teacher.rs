//! A decoder with what it needs to judge pairs.

use std::path::Path;

use burn::tensor::Device;
use causal_lm::{
    CausalLm, CausalLmError, FolderError, FolderWriter, GenerationConfig, LmTokenizer, SaveOptions,
};
use relevance_data::{LabelSchema, Pair};
use serde::{Deserialize, Serialize};

use crate::error::TeacherError;
use crate::lm_task::check_vocabulary;
use crate::prompt::PromptTemplate;

/// The file beside a Hugging Face folder's own that says what the decoder is asked.
const TEACHER_FILE: &str = "teacher.json";
/// More than any prompt has.
const MOST_BYTES: u64 = 1 << 24;

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

/// The content of `teacher.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TeacherFile {
    template: PromptTemplate,
    schema: LabelSchema,
    max_prompt_length: usize,
}

impl Teacher {
    /// Reads a teacher's folder: decoder and tokenizer as Hugging Face lays them out, and
    /// `teacher.json` with the prompt, the form of the reply, the labels and the longest prompt.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use causal_lm::CausalLmConfig;
    /// use relevance_data::LabelSchema;
    /// use teacher_train::{PromptTemplate, Teacher, train_bpe_tokenizer};
    ///
    /// let tokenizer = train_bpe_tokenizer(["usb cable", "garden hose"], 280)?;
    /// let decoder = CausalLmConfig {
    ///     vocab_size: tokenizer.vocab_size(),
    ///     hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
    ///     num_attention_heads: 2, num_key_value_heads: 1,
    ///     ..CausalLmConfig::default()
    /// };
    /// let schema = LabelSchema::esci();
    /// let teacher = Teacher {
    ///     model: decoder.init(1, &Device::flex())?,
    ///     tokenizer,
    ///     template: PromptTemplate::compact(&schema),
    ///     schema,
    ///     max_prompt_length: 200,
    /// };
    /// let dir = tempfile::tempdir()?;
    /// teacher.save_dir(dir.path())?;
    /// let again = Teacher::from_dir(dir.path(), &Device::flex())?;
    /// assert_eq!((again.template, again.schema), (teacher.template, teacher.schema));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TeacherError::File`], [`TeacherError::TeacherFile`] or [`TeacherError::Lm`] for a file that is
    /// missing or damaged; what [`check`](Self::check) finds.
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, TeacherError> {
        let dir = dir.as_ref();
        let path = dir.join(TEACHER_FILE);
        let json = atomic_files::read_to_string(&path, MOST_BYTES)?;
        let file: TeacherFile =
            serde_json::from_str(&json).map_err(|error| TeacherError::TeacherFile {
                path,
                reason: error.to_string(),
            })?;
        let teacher = Self {
            model: CausalLm::from_dir(dir, device)?,
            tokenizer: LmTokenizer::from_dir(dir)?,
            template: file.template,
            schema: file.schema,
            max_prompt_length: file.max_prompt_length,
        };
        teacher.check()?;
        Ok(teacher)
    }

    /// Writes the folder that [`from_dir`](Self::from_dir) reads; `transformers` opens it too. The
    /// whole folder or nothing; a teacher of that name is replaced.
    ///
    /// # Errors
    /// What [`check`](Self::check) finds; [`TeacherError::Lm`] if the folder cannot be written, or holds
    /// anything that is not part of a teacher.
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), TeacherError> {
        self.check()?;
        let refused = |error: FolderError| CausalLmError::from(error);
        let folder = FolderWriter::create(dir, &[TEACHER_FILE]).map_err(refused)?;
        self.model.write_into(&folder, &SaveOptions::default())?;
        self.tokenizer.write_into(&folder)?;
        let file = TeacherFile {
            template: self.template.clone(),
            schema: self.schema.clone(),
            max_prompt_length: self.max_prompt_length,
        };
        folder.write_json(TEACHER_FILE, &file).map_err(refused)?;
        Ok(folder.commit().map_err(refused)?)
    }

    /// Checks that the parts belong together.
    ///
    /// # Errors
    /// [`TeacherError::VocabularyMismatch`] if the tokenizer has tokens that the decoder does not know;
    /// [`TeacherError::InvalidConfig`] if `max_prompt_length` is 0 or leaves no token of the decoder's
    /// context for a reply.
    pub fn check(&self) -> Result<(), TeacherError> {
        check_vocabulary(&self.model, &self.tokenizer)?;
        let context = self.model.config().max_position_embeddings;
        if (1..context).contains(&self.max_prompt_length) {
            return Ok(());
        }
        let allowed = format!("1 to {}, below the model's context", context - 1);
        let found = self.max_prompt_length;
        Err(TeacherError::invalid("max_prompt_length", found, allowed))
    }

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
