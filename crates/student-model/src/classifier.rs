//! The student: Hugging Face's `BertForSequenceClassification`, and RoBERTa's and XLM-RoBERTa's.

use std::path::Path;

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor};
use hf_folder::FolderWriter;
use pair_tokenizer::TokenBatch;

use crate::bert::BertPooler;
use crate::checkpoint::{self, Checkpoint};
use crate::init::Fresh;
use crate::tensor_names::Head;
use crate::{BertConfig, BertModel, SaveOptions, StudentError};

/// A BERT, RoBERTa or XLM-RoBERTa with a classifier on its pooled output. Made by [`BertConfig::init`]
/// or [`BertForSequenceClassification::from_dir`].
///
/// Its logits are `W dropout(tanh(P cls + p)) + w`, as in `transformers`: they read the *pooled* output.
/// In a RoBERTa `P` is the classifier's own (`classifier.dense`; `W` is `classifier.out_proj`) and `cls`
/// has dropout too; it stands in the same place here, `bert.pooler`, and under its own name in files.
///
/// The representation that CRSD aligns between the two views is [`cls`](ClassifierOutput::cls), the
/// last layer's hidden state at position 0, which the paper's Figure 3 calls `CLS_i`.
#[derive(Module, Debug)]
pub struct BertForSequenceClassification {
    /// The encoder; always with a pooler.
    pub bert: BertModel,
    /// `[h, K]` and `[K]`.
    pub classifier: Linear,
    dropout: Dropout,
}

/// What the student gives for a batch.
#[derive(Debug, Clone)]
pub struct ClassifierOutput {
    /// Unnormalised log-probabilities of the classes, `[b, K]`.
    pub logits: Tensor<2>,
    /// The last layer's hidden state at `[CLS]`, `[b, h]`: what CRSD aligns.
    pub cls: Tensor<2>,
    /// `tanh` of a projection of `cls`, `[b, h]`: what the classifier reads, before dropout.
    pub pooled: Tensor<2>,
}

impl BertForSequenceClassification {
    pub(crate) fn fresh(fresh: &mut Fresh<'_>) -> Self {
        let config = fresh.config;
        Self {
            bert: BertModel::fresh(fresh, true),
            classifier: fresh.linear(config.hidden_size, config.num_labels()),
            dropout: DropoutConfig::new(config.classifier_dropout()).init(),
        }
    }

    /// Loads a Hugging Face folder that holds a classifier.
    ///
    /// A folder without a classifier is refused; [`from_pretrained_encoder`](Self::from_pretrained_encoder)
    /// is the way to put a fresh one on an encoder.
    ///
    /// # Errors
    /// [`StudentError::Folder`] names each missing, unexpected and misshapen tensor, or the file that
    /// cannot be read.
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, StudentError> {
        let config = BertConfig::from_dir(&dir)?;
        let file = Checkpoint::open(dir.as_ref(), &config)?.check(Head::Classifier)?;
        let mut model = Self::fresh(&mut Fresh::new(&config, device, 0));
        file.fill(&mut model)?;
        Ok(model)
    }

    /// Puts a fresh classifier for `labels` on the encoder of a Hugging Face folder.
    ///
    /// The encoder is read as by [`BertModel::from_dir`]: a head that the folder has is passed over.
    /// The classifier, and the pooler if the folder has none, are drawn from `seed`. RoBERTa's classifier
    /// has a projection of its own, so a bare RoBERTa's pooler is passed over, as `transformers` does.
    ///
    /// # Errors
    /// [`StudentError::Folder`] names each missing, unexpected and misshapen tensor;
    /// [`StudentError::InvalidConfig`] if `labels` is empty or repeats a name.
    pub fn from_pretrained_encoder<S: AsRef<str>>(
        dir: impl AsRef<Path>,
        labels: &[S],
        seed: u64,
        device: &Device,
    ) -> Result<Self, StudentError> {
        let config = BertConfig::from_dir(&dir)?.with_labels(labels);
        config.validate()?;
        let file = Checkpoint::open(dir.as_ref(), &config)?;
        let takes_pooler = file.has_pooler() && !config.model_type.has_own_head();
        let file = file.check(if takes_pooler {
            Head::Pooler
        } else {
            Head::None
        })?;
        let mut model = Self::fresh(&mut Fresh::new(&config, device, seed));
        let fresh_pooler: Option<BertPooler> = if takes_pooler {
            None
        } else {
            model.bert.pooler.take()
        };
        file.fill(&mut model.bert)?;
        if fresh_pooler.is_some() {
            model.bert.pooler = fresh_pooler;
        }
        Ok(model)
    }

    /// Writes `config.json` and `model.safetensors`, as
    /// `AutoModelForSequenceClassification.from_pretrained` reads them.
    ///
    /// A model folder of that name is replaced whole, or stays as it was.
    ///
    /// # Errors
    /// [`StudentError::Folder`] if it cannot be written, or holds anything that is not part of a model
    /// folder.
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), StudentError> {
        self.save_dir_with(dir, &SaveOptions::default())
    }

    /// [`BertForSequenceClassification::save_dir`] in shards or in half precision.
    ///
    /// # Errors
    /// As there; also if a weight is too large for f16, and as [`SaveOptions::validate`].
    pub fn save_dir_with(
        &self,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<(), StudentError> {
        let folder = checkpoint::new_folder(dir.as_ref())?;
        self.write_into(&folder, options)?;
        Ok(folder.commit()?)
    }

    /// Writes into a folder that is going to hold more.
    pub(crate) fn write_into(
        &self,
        folder: &FolderWriter,
        options: &SaveOptions,
    ) -> Result<(), StudentError> {
        checkpoint::save(self, self.config(), Head::Classifier, options, folder)
    }

    /// The same model with only some of its encoder's layers, in the order given: the start of a
    /// shallower student, such as layers `[0, 2, 4, 7, 9, 11]` of twelve. Embeddings and head stay.
    ///
    /// ```
    /// # use burn::tensor::Device;
    /// # use student_model::BertConfig;
    /// let deep = BertConfig { hidden_size: 16, num_attention_heads: 2, ..BertConfig::default() };
    /// let deep = deep.init(7, &Device::default())?;
    /// let student = deep.with_layers(&[0, 2, 4, 7, 9, 11])?;
    /// assert_eq!(student.config().num_hidden_layers, 6);
    /// # Ok::<(), student_model::StudentError>(())
    /// ```
    ///
    /// # Errors
    /// [`StudentError::Layers`] if none is chosen, one twice, or one that there is not.
    pub fn with_layers(mut self, layers: &[usize]) -> Result<Self, StudentError> {
        self.bert = self.bert.with_layers(layers)?;
        Ok(self)
    }

    /// The configuration the model was built from.
    pub fn config(&self) -> &BertConfig {
        self.bert.config()
    }

    /// The device the weights are on.
    pub fn device(&self) -> Device {
        self.classifier.weight.lazy_device()
    }

    /// Classifies a batch.
    ///
    /// # Shapes
    /// tokens `[b, t]` → see [`ClassifierOutput`]
    ///
    /// # Panics
    /// If `t` is above [`BertConfig::max_tokens`].
    pub fn forward(&self, batch: &TokenBatch) -> ClassifierOutput {
        let cls = self.bert.forward_cls(batch); // [b, h]
        let pooler = self.bert.pooler.as_ref();
        let read = if self.config().model_type.has_own_head() {
            self.dropout.forward(cls.clone())
        } else {
            cls.clone()
        };
        let pooled = pooler
            .expect("every constructor gives a classifier's encoder a pooler")
            .forward(read);
        let logits = self
            .classifier
            .forward(self.dropout.forward(pooled.clone())); // [b, K]
        ClassifierOutput {
            logits,
            cls,
            pooled,
        }
    }
}
