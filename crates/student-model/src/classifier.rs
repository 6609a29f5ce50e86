//! The student: Hugging Face's `BertForSequenceClassification`.

use std::path::Path;

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor};
use relevance_data::TokenBatch;

use crate::bert::BertPooler;
use crate::checkpoint::{self, CheckpointFile, Head};
use crate::init::Fresh;
use crate::{BertConfig, BertModel, StudentError};

/// A BERT with a classifier on its pooled output.
///
/// Its logits are `W dropout(tanh(P cls + p)) + w`, as in `transformers`: they read the *pooled* output.
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
    /// A fresh model of `config`'s shape and classes; the same seed gives the same weights.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`].
    pub fn new(config: &BertConfig, seed: u64, device: &Device) -> Result<Self, StudentError> {
        config.validate()?;
        Ok(Self::fresh(&mut Fresh::new(config, device, seed)))
    }

    fn fresh(fresh: &mut Fresh<'_>) -> Self {
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
    /// [`StudentError::CheckpointMismatch`] names each missing, unexpected and misshapen tensor.
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, StudentError> {
        let config = BertConfig::from_dir(&dir)?;
        let file = CheckpointFile::open(dir.as_ref())?;
        let mut model = Self::fresh(&mut Fresh::new(&config, device, 0));
        file.load(&mut model, &config, Head::classifier(config.num_labels()))?;
        Ok(model)
    }

    /// Puts a fresh classifier for `labels` on the encoder of a Hugging Face folder.
    ///
    /// The encoder is read as by [`BertModel::from_dir`]: a head that the folder has is passed over.
    /// The classifier, and the pooler if the folder has none, are drawn from `seed`.
    ///
    /// # Errors
    /// [`StudentError::CheckpointMismatch`] names each missing, unexpected and misshapen tensor;
    /// [`StudentError::InvalidConfig`] if `labels` is empty or repeats a name.
    pub fn from_pretrained_encoder<S: AsRef<str>>(
        dir: impl AsRef<Path>,
        labels: &[S],
        seed: u64,
        device: &Device,
    ) -> Result<Self, StudentError> {
        let config = BertConfig::from_dir(&dir)?.with_labels(labels);
        config.validate()?;
        let file = CheckpointFile::open(dir.as_ref())?;
        let mut model = Self::fresh(&mut Fresh::new(&config, device, seed));
        let fresh_pooler: Option<BertPooler> = if file.has_pooler() {
            None
        } else {
            model.bert.pooler.take()
        };
        file.load(&mut model.bert, &config, Head::none(fresh_pooler.is_none()))?;
        if fresh_pooler.is_some() {
            model.bert.pooler = fresh_pooler;
        }
        Ok(model)
    }

    /// Writes `config.json` and `model.safetensors`, as
    /// `BertForSequenceClassification.from_pretrained` reads them.
    ///
    /// # Errors
    /// [`StudentError::Io`], [`StudentError::Checkpoint`], [`StudentError::FolderOccupied`].
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), StudentError> {
        crate::folder::write_folder(dir.as_ref(), |dir| self.write(dir))
    }

    /// Writes into a folder that exists.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), StudentError> {
        checkpoint::save(self, self.config(), "BertForSequenceClassification", dir)
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
    /// If `t` is above `max_position_embeddings`.
    pub fn forward(&self, batch: &TokenBatch) -> ClassifierOutput {
        let cls = self.bert.forward_cls(batch); // [b, h]
        let pooler = self.bert.pooler.as_ref();
        let pooled = pooler
            .expect("every constructor gives a classifier's encoder a pooler")
            .forward(cls.clone());
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
