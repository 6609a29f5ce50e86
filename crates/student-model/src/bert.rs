//! The encoder: Hugging Face's `BertModel`, `RobertaModel` and `XLMRobertaModel`.

use std::path::Path;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use pair_tokenizer::TokenBatch;

use crate::attention::AttentionBias;
use crate::checkpoint::{self, Checkpoint};
use crate::embeddings::BertEmbeddings;
use crate::init::Fresh;
use crate::layer::BertEncoder;
use crate::tensor_names::Head;
use crate::{BertConfig, SaveOptions, StudentError, layer_choice};

/// A BERT encoder (Devlin et al. 2018, arXiv 1810.04805), with `transformers`' names; or a RoBERTa or
/// XLM-RoBERTa, whose layers are the same ([`ModelType`](crate::ModelType) says what differs).
///
/// Made by [`BertConfig::init_encoder`] or [`BertModel::from_dir`].
///
/// Field names are the tensor names of a Hugging Face checkpoint, but for two that Rust would not
/// have: `attention.self` is `attention.self_attention` and `LayerNorm` is `layer_norm`.
#[derive(Module, Debug)]
pub struct BertModel {
    /// Token, position and segment embeddings.
    pub embeddings: BertEmbeddings,
    /// The layers.
    pub encoder: BertEncoder,
    /// `tanh(W cls + b)`; absent from encoders saved without it.
    pub pooler: Option<BertPooler>,
    #[module(skip)]
    config: BertConfig,
}

/// What an encoder gives for a batch.
#[derive(Debug, Clone)]
pub struct BertOutput {
    /// Every token of the last layer, `[b, t, h]`. Rows at padding are meaningless.
    pub last_hidden_state: Tensor<3>,
    /// `last_hidden_state` at position 0, `[b, h]`.
    pub cls: Tensor<2>,
    /// The pooler's output, `[b, h]`; `None` without a pooler.
    pub pooled: Option<Tensor<2>>,
}

impl BertModel {
    pub(crate) fn fresh(fresh: &mut Fresh<'_>, pooler: bool) -> Self {
        Self {
            embeddings: BertEmbeddings::new(fresh),
            encoder: BertEncoder::new(fresh),
            pooler: pooler.then(|| BertPooler::new(fresh)),
            config: fresh.config.clone(),
        }
    }

    /// Loads a Hugging Face folder: `config.json`, and `model.safetensors` or the shards that
    /// `model.safetensors.index.json` lists.
    ///
    /// Names with or without the prefix (`bert.`, `roberta.`), old names (`LayerNorm.gamma`), f16, bf16
    /// and f64 files are read; the heads of task classes (`cls.*`, `lm_head.*`, `classifier.*`,
    /// `qa_outputs.*`) and buffers (`position_ids`) are passed over. The encoder has a pooler if the
    /// file has one.
    ///
    /// # Errors
    /// [`StudentError::Folder`] names each missing, unexpected and misshapen tensor, or says what is
    /// wrong with a checkpoint's files.
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, StudentError> {
        let config = BertConfig::from_dir(&dir)?;
        let file = Checkpoint::open(dir.as_ref(), &config)?;
        let pooler = file.has_pooler();
        let file = file.check(if pooler { Head::Pooler } else { Head::None })?;
        let mut model = Self::fresh(&mut Fresh::new(&config, device, 0), pooler);
        file.fill(&mut model)?;
        Ok(model)
    }

    /// What stands on the layers.
    fn head(&self) -> Head {
        match self.pooler {
            Some(_) => Head::Pooler,
            None => Head::None,
        }
    }

    /// Writes `config.json` and `model.safetensors`, as `AutoModel.from_pretrained` reads them.
    ///
    /// # Errors
    /// [`StudentError::Folder`] if it cannot be written, or holds anything that is not part of a model
    /// folder.
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), StudentError> {
        self.save_dir_with(dir, &SaveOptions::default())
    }

    /// [`BertModel::save_dir`] in shards or in half precision.
    ///
    /// # Errors
    /// As [`BertModel::save_dir`]; also if a weight is too large for f16, and as
    /// [`SaveOptions::validate`].
    pub fn save_dir_with(
        &self,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<(), StudentError> {
        let folder = checkpoint::new_folder(dir.as_ref())?;
        checkpoint::save(self, &self.config, self.head(), options, &folder)?;
        Ok(folder.commit()?)
    }

    /// The same encoder with only some of its layers, in the order given: the start of a shallower
    /// student. Embeddings and pooler stay.
    ///
    /// # Errors
    /// [`StudentError::Layers`] if none is chosen, one twice, or one that there is not.
    pub fn with_layers(mut self, layers: &[usize]) -> Result<Self, StudentError> {
        self.encoder.layer = layer_choice::choose(self.encoder.layer, layers)?;
        self.config.num_hidden_layers = layers.len();
        Ok(self)
    }

    /// The configuration the model was built from.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// Encodes a batch.
    ///
    /// # Shapes
    /// tokens `[b, t]` → see [`BertOutput`]
    ///
    /// # Panics
    /// If `t` is above [`BertConfig::max_tokens`].
    pub fn forward(&self, batch: &TokenBatch) -> BertOutput {
        let bias = AttentionBias::new(batch.attention_mask.as_ref());
        let last_hidden_state = self.encoder.forward(self.embeddings.forward(batch), &bias);
        let cls = last_hidden_state
            .clone()
            .narrow(1, 0, 1)
            .squeeze_dim::<2>(1); // [b, h]
        BertOutput {
            pooled: self
                .pooler
                .as_ref()
                .map(|pooler| pooler.forward(cls.clone())),
            last_hidden_state,
            cls,
        }
    }

    /// [`BertOutput::cls`] alone, without computing the last layer's other positions.
    ///
    /// # Shapes
    /// tokens `[b, t]` → `[b, h]`
    ///
    /// # Panics
    /// If `t` is above [`BertConfig::max_tokens`].
    pub fn forward_cls(&self, batch: &TokenBatch) -> Tensor<2> {
        let bias = AttentionBias::new(batch.attention_mask.as_ref());
        self.encoder
            .forward_cls(self.embeddings.forward(batch), &bias)
    }
}

/// `pooler` of an encoder, `classifier.dense` of a RoBERTa classifier.
#[derive(Module, Debug)]
pub struct BertPooler {
    /// `[h, h]` and `[h]`.
    pub dense: Linear,
}

impl BertPooler {
    pub(crate) fn new(fresh: &mut Fresh<'_>) -> Self {
        let hidden = fresh.config.hidden_size;
        Self {
            dense: fresh.linear(hidden, hidden),
        }
    }

    /// `[b, h]` → `[b, h]`
    pub(crate) fn forward(&self, cls: Tensor<2>) -> Tensor<2> {
        self.dense.forward(cls).tanh()
    }
}
