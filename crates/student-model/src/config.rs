//! The shape of a BERT, RoBERTa or XLM-RoBERTa, under the keys of a Hugging Face `config.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ModelType, StudentError};

/// Most classes: a file can say `num_labels` in ten characters, and each is a name in memory.
pub(crate) const MOST_LABELS: usize = 1 << 16;

/// The most f32 numbers that a machine has addresses for.
const MOST_NUMBERS: usize = isize::MAX as usize / 4;

/// The activation of the feed-forward layers (`hidden_act`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenAct {
    /// `x Φ(x)` with the exact error function, BERT's default.
    #[default]
    Gelu,
    /// `max(x, 0)`.
    Relu,
    /// GELU by its tanh approximation, as the original TensorFlow code computed it.
    GeluNew,
}

/// The shape of an encoder and the names of its classes, with the keys of Hugging Face's `config.json`.
///
/// `model_type` says which encoder it is: BERT, RoBERTa or XLM-RoBERTa.
///
/// Keys which change nothing here (`use_cache`, `transformers_version`, ...) are read over and not
/// written again: such a file has many, and each version of `transformers` adds some, so an unknown one
/// is no mistake as it would be in a configuration of our own. A key whose value would change the
/// computation in a way this crate does not implement (`position_embedding_type`, `is_decoder`, ...) is
/// an error. Keys that a file lacks take the defaults that `transformers` has for the file's
/// `model_type`.
///
/// ```
/// # fn main() -> Result<(), student_model::StudentError> {
/// use student_model::BertConfig;
///
/// let config = BertConfig::from_json(r#"{"model_type": "bert", "hidden_size": 384, "use_cache": true}"#)?;
/// assert_eq!((config.hidden_size, config.num_hidden_layers), (384, 12));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BertConfig {
    /// Which encoder it is.
    pub model_type: ModelType,
    /// Rows of the token embedding table.
    pub vocab_size: usize,
    /// Width `h` of every token's representation.
    pub hidden_size: usize,
    /// Encoder layers.
    pub num_hidden_layers: usize,
    /// Attention heads of a layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Inner width of the feed-forward layers.
    pub intermediate_size: usize,
    /// Activation of the feed-forward layers.
    pub hidden_act: HiddenAct,
    /// Dropout after the embeddings and after each sub-layer, in training.
    pub hidden_dropout_prob: f64,
    /// Dropout of the attention probabilities, in training.
    pub attention_probs_dropout_prob: f64,
    /// Rows of the position embedding table; [`max_tokens`](Self::max_tokens) is the longest input.
    pub max_position_embeddings: usize,
    /// Number of segment ids; a pair needs two in BERT's layout, one in RoBERTa's.
    pub type_vocab_size: usize,
    /// Standard deviation of fresh weights.
    pub initializer_range: f64,
    /// Added to the variance in layer normalisation.
    pub layer_norm_eps: f64,
    /// Id of the padding token; its fresh embedding is zero.
    pub pad_token_id: usize,
    /// Dropout before the classifier; `None` means `hidden_dropout_prob`.
    pub classifier_dropout: Option<f64>,
    /// Class names by index, from 0 without gaps.
    pub id2label: BTreeMap<usize, String>,
    /// Class indices by name; empty, or the inverse of `id2label`.
    pub label2id: BTreeMap<String, usize>,
}

impl Default for BertConfig {
    /// The defaults of `transformers.BertConfig`: BERT base, two classes.
    fn default() -> Self {
        Self {
            model_type: ModelType::Bert,
            vocab_size: 30522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: HiddenAct::Gelu,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: 0,
            classifier_dropout: None,
            id2label: numbered(2),
            label2id: BTreeMap::new(),
        }
    }
}

/// `LABEL_0`, `LABEL_1`, ..., the names that `transformers` gives to unnamed classes.
pub(crate) fn numbered(count: usize) -> BTreeMap<usize, String> {
    (0..count).map(|i| (i, format!("LABEL_{i}"))).collect()
}

impl BertConfig {
    /// The defaults of `transformers` for a model type: [`Default`] is BERT's.
    ///
    /// Real RoBERTa checkpoints have 514 positions and one segment id; `transformers`' defaults, and so
    /// these, are 512 and 2.
    pub fn default_for(model_type: ModelType) -> Self {
        let bert = Self {
            model_type,
            ..Self::default()
        };
        match model_type {
            ModelType::Bert => bert,
            ModelType::Roberta => Self {
                vocab_size: 50265,
                pad_token_id: 1,
                ..bert
            },
            ModelType::XlmRoberta => Self {
                pad_token_id: 1,
                ..bert
            },
        }
    }

    /// A BERT of one layer of width 32, some ten thousand weights beside its vocabulary: for examples and tests,
    /// where it learns a few words from nothing within seconds.
    ///
    /// ```
    /// let toy = student_model::BertConfig::toy();
    /// assert_eq!((toy.hidden_size, toy.num_hidden_layers, toy.num_attention_heads), (32, 1, 2));
    /// ```
    pub fn toy() -> Self {
        Self {
            hidden_size: 32,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 64,
            max_position_embeddings: 320,
            // So few numbers have nothing to spare for dropout, and start too small at 0.02.
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            initializer_range: 0.1,
            ..Self::default()
        }
    }

    /// Sets the class names, in the order of their indices.
    pub fn with_labels<S: AsRef<str>>(mut self, names: &[S]) -> Self {
        let names = names.iter().map(|n| n.as_ref().to_owned()).enumerate();
        self.id2label = names.collect();
        self.label2id = self.id2label.iter().map(|(i, n)| (n.clone(), *i)).collect();
        self
    }

    /// Number of classes `K`.
    pub fn num_labels(&self) -> usize {
        self.id2label.len()
    }

    /// Class names in the order of their indices.
    pub fn labels(&self) -> Vec<String> {
        self.id2label.values().cloned().collect()
    }

    /// The row of the position table that the first token takes: 0, or `pad_token_id + 1` in RoBERTa.
    pub fn first_position(&self) -> usize {
        if self.model_type.skips_padding() {
            self.pad_token_id.saturating_add(1)
        } else {
            0
        }
    }

    /// Longest input, in tokens: the positions from [`first_position`](Self::first_position) on.
    ///
    /// ```
    /// # use student_model::{BertConfig, ModelType};
    /// let roberta = BertConfig { max_position_embeddings: 514, ..BertConfig::default_for(ModelType::Roberta) };
    /// assert_eq!((roberta.pad_token_id, roberta.max_tokens()), (1, 512));
    /// assert_eq!(BertConfig { pad_token_id: 0, ..roberta }.max_tokens(), 513);
    /// assert_eq!(BertConfig::default().max_tokens(), 512);
    /// ```
    pub fn max_tokens(&self) -> usize {
        self.max_position_embeddings
            .saturating_sub(self.first_position())
    }

    /// Dropout before the classifier.
    pub(crate) fn classifier_dropout(&self) -> f64 {
        self.classifier_dropout.unwrap_or(self.hidden_dropout_prob)
    }

    /// Checks every value; a model can be built from a configuration that passes.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] names the key, its value and what is allowed.
    pub fn validate(&self) -> Result<(), StudentError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
        ];
        for (key, size) in sizes {
            if size == 0 {
                return Err(StudentError::invalid(key, size, "at least 1"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let allowed = format!("a divisor of hidden_size = {}", self.hidden_size);
            let heads = self.num_attention_heads;
            return Err(StudentError::invalid("num_attention_heads", heads, allowed));
        }
        if self.pad_token_id >= self.vocab_size {
            let allowed = format!("below vocab_size = {}", self.vocab_size);
            return Err(StudentError::invalid(
                "pad_token_id",
                self.pad_token_id,
                allowed,
            ));
        }
        if self.max_tokens() == 0 {
            let allowed = format!(
                "above {}, the first position of {}",
                self.first_position(),
                self.model_type
            );
            let positions = self.max_position_embeddings;
            return Err(StudentError::invalid(
                "max_position_embeddings",
                positions,
                allowed,
            ));
        }
        self.validate_numbers()?;
        self.validate_labels()?;
        self.validate_memory()
    }

    /// Refuses sizes whose product is no size any more, before something is multiplied or asked for.
    fn validate_memory(&self) -> Result<(), StudentError> {
        let h = self.hidden_size;
        let [square, inner] = [h, self.intermediate_size].map(|size| size.saturating_mul(h));
        // Each of a layer's six products, with as much again for what is smaller.
        let layer = square.saturating_add(inner).saturating_mul(8);
        let sizes = [
            ("hidden_size", h, square),
            ("intermediate_size", self.intermediate_size, inner),
            (
                "vocab_size",
                self.vocab_size,
                self.vocab_size.saturating_mul(h),
            ),
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                self.max_position_embeddings.saturating_mul(h),
            ),
            (
                "type_vocab_size",
                self.type_vocab_size,
                self.type_vocab_size.saturating_mul(h),
            ),
            (
                "num_hidden_layers",
                self.num_hidden_layers,
                self.num_hidden_layers.saturating_mul(layer),
            ),
        ];
        for (field, value, numbers) in sizes {
            if numbers > MOST_NUMBERS {
                let allowed = format!("weights of at most {MOST_NUMBERS} numbers");
                return Err(StudentError::invalid(field, value, allowed));
            }
        }
        Ok(())
    }

    fn validate_numbers(&self) -> Result<(), StudentError> {
        let dropouts = [
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            (
                "attention_probs_dropout_prob",
                self.attention_probs_dropout_prob,
            ),
            ("classifier_dropout", self.classifier_dropout()),
        ];
        for (key, p) in dropouts {
            if !(0.0..1.0).contains(&p) {
                return Err(StudentError::invalid(key, p, "in [0, 1)"));
            }
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps.is_finite()) {
            return Err(StudentError::invalid(
                "layer_norm_eps",
                self.layer_norm_eps,
                "above 0",
            ));
        }
        if !(self.initializer_range >= 0.0 && self.initializer_range.is_finite()) {
            let range = self.initializer_range;
            return Err(StudentError::invalid(
                "initializer_range",
                range,
                "at least 0",
            ));
        }
        Ok(())
    }

    fn validate_labels(&self) -> Result<(), StudentError> {
        if self.id2label.is_empty() || !self.id2label.keys().copied().eq(0..self.num_labels()) {
            let keys: Vec<usize> = self.id2label.keys().copied().collect();
            let allowed = "indices 0, 1, 2, ... without gaps, at least one";
            return Err(StudentError::invalid(
                "id2label",
                format!("{keys:?}"),
                allowed,
            ));
        }
        if self.num_labels() > MOST_LABELS {
            let allowed = format!("at most {MOST_LABELS} classes");
            return Err(StudentError::invalid(
                "id2label",
                self.num_labels(),
                allowed,
            ));
        }
        let inverse: BTreeMap<_, _> = self.id2label.iter().map(|(i, n)| (n.clone(), *i)).collect();
        if inverse.len() != self.num_labels() {
            let names = format!("{:?}", self.labels());
            return Err(StudentError::invalid("id2label", names, "distinct names"));
        }
        if !self.label2id.is_empty() && self.label2id != inverse {
            let found = format!("{:?}", self.label2id);
            return Err(StudentError::invalid(
                "label2id",
                found,
                "the inverse of id2label",
            ));
        }
        Ok(())
    }
}
