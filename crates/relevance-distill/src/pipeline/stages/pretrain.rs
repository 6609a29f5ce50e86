//! Stage 1.1: a decoder learns the domain's texts.

use std::path::Path;

use causal_lm::{CausalLm, LmTokenizer};
use relevance_data::{Item, LabelSchema, LabeledPair, RationaleWriter, ReplyFormat};
use serde::Serialize;
use teacher_train::{Document, Teacher, domain_documents, pretrain, train_bpe_tokenizer};

use crate::error::DistillError;
use crate::pipeline::artifacts::TeacherFolder;
use crate::pipeline::stage_context::{StageContext, TrainingFacts};
use crate::pipeline::teacher_config::TeacherConfig;

/// Domain-adaptive pre-training of the teacher; one that starts from nothing gets its vocabulary, too.
#[derive(Clone, Debug)]
pub struct Pretrain<'a> {
    /// Pairs whose labels the teacher may see.
    pub labeled: &'a [LabeledPair],
    /// Further items of the domain. Those of the search log come without their pairs: the labels of the
    /// log stay unseen.
    pub items: Vec<&'a Item>,
    /// The labels.
    pub schema: &'a LabelSchema,
    /// Hugging Face folder of the decoder to start from; from nothing if absent.
    pub init: Option<&'a Path>,
    /// Where the teacher goes.
    pub out: TeacherFolder,
}

/// What it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pretrained {
    /// The training run.
    #[serde(flatten)]
    pub training: TrainingFacts,
    /// Texts of the domain.
    pub documents: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// Numbers in the decoder.
    pub parameters: usize,
}

impl Pretrain<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// `init` cannot be read; whatever training reports; [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Pretrained, DistillError> {
        let mut documents = domain_documents(self.labeled, self.schema);
        documents.extend(self.items.iter().map(|item| Document::text(item.text())));
        let (model, tokenizer) = match self.init {
            Some(folder) => (
                CausalLm::from_dir(folder, &context.device)?,
                LmTokenizer::from_dir(folder)?,
            ),
            None => self.newborn(&documents, config, context)?,
        };
        let parameters = model.config().num_parameters();
        let report = pretrain(
            model,
            &tokenizer,
            &documents,
            &config.pretrain_config(),
            context.trainer_options(),
        )?;
        let training = context.finished(&report)?;
        let vocabulary = tokenizer.vocab_size();
        self.out.save(&Teacher {
            model: report.model,
            tokenizer,
            template: config.template(self.schema),
            schema: self.schema.clone(),
            max_prompt_length: config.max_prompt_length(),
        })?;
        Ok(Pretrained {
            training,
            documents: documents.len(),
            vocabulary,
            parameters,
        })
    }

    /// A vocabulary of the domain's texts, of prompts and of replies, and a decoder.
    fn newborn(
        &self,
        documents: &[Document],
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<(CausalLm, LmTokenizer), DistillError> {
        let writer = RationaleWriter::new(self.schema.clone());
        let template = config.template(self.schema);
        let texts = documents.iter().map(String::from);
        let replies = self.labeled.iter().map(|pair| {
            let prompt = template.render(&pair.pair, 0);
            let tag = ReplyFormat::tag(pair.label, self.schema);
            format!("{prompt}{}\n{tag}", writer.write(pair))
        });
        let texts: Vec<String> = texts.chain(replies).collect();
        let tokenizer = train_bpe_tokenizer(texts, config.vocab_size)?;
        let mut decoder = config.decoder(tokenizer.vocab_size());
        decoder.eos_token_id = vec![tokenizer.eos_id()];
        decoder.pad_token_id = Some(tokenizer.pad_id());
        let model = decoder.init(context.seed, &context.device)?;
        Ok((model, tokenizer))
    }
}
