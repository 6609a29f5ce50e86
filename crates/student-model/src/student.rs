//! A trained student as one folder: model, tokenizer and gains.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use hf_folder::{TOKENIZER_CONFIG_FILE, TOKENIZER_FILE};
use pair_tokenizer::{Encoding, PairTokenizer};
use serde_json::json;

use crate::checkpoint::new_folder;
use crate::relevance::RELEVANCE_FILE;
use crate::{BertForSequenceClassification, RelevanceConfig, SaveOptions, StudentError};

/// A classifier with the tokenizer and the gains that make it a ranker.
///
/// Its folder is a Hugging Face folder (`config.json`, `model.safetensors`, `tokenizer.json`,
/// `tokenizer_config.json`), which `transformers` opens, with one more file, `relevance.json`
/// ([`RelevanceConfig`]).
#[derive(Debug)]
pub struct Student {
    /// The model, for inference: without autodiff and dropout.
    pub(crate) model: BertForSequenceClassification,
    pub(crate) tokenizer: PairTokenizer,
    pub(crate) gains: Vec<f64>,
    pub(crate) temperature: f64,
}

impl Student {
    /// Puts the three together; `gains` in the order of the model's classes.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] if they do not fit: another number of gains than classes, ids
    /// beyond the model's embeddings, longer inputs than it has positions.
    pub fn new(
        model: &BertForSequenceClassification,
        tokenizer: PairTokenizer,
        gains: &[f64],
    ) -> Result<Self, StudentError> {
        RelevanceConfig::new(model.config(), gains, tokenizer.config().clone())?;
        check_fit(model, &tokenizer)?;
        Ok(Self {
            model: model.valid(),
            tokenizer,
            gains: gains.to_vec(),
            temperature: 1.0,
        })
    }

    /// Calibrates: a ranker's probabilities are `softmax(logits / temperature)` from now on, and the
    /// folder holds the temperature. `relevance_eval::TemperatureScaling` fits it. The order of the
    /// classes of a pair stays; expected gains, and so ranks, may change.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] unless it is finite and above 0.
    pub fn with_temperature(mut self, temperature: f64) -> Result<Self, StudentError> {
        if !(temperature.is_finite() && temperature > 0.0) {
            let allowed = "a finite number above 0";
            return Err(StudentError::invalid("temperature", temperature, allowed));
        }
        self.temperature = temperature;
        Ok(self)
    }

    /// Reads a student's folder.
    ///
    /// # Errors
    /// [`StudentError::Folder`] names a missing file; otherwise as
    /// [`BertForSequenceClassification::from_dir`], [`RelevanceConfig::gains`] and [`Student::new`].
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, StudentError> {
        let dir = dir.as_ref();
        let relevance = RelevanceConfig::from_dir(dir)?;
        let device = device.clone().without_autodiff();
        let model = BertForSequenceClassification::from_dir(dir, &device)?;
        let gains = relevance
            .gains(model.config())
            .map_err(|e| e.in_file(&dir.join(RELEVANCE_FILE)))?;
        let file = dir.join(TOKENIZER_FILE);
        let tokenizer = PairTokenizer::from_file(file, relevance.pair_tokenizer)?;
        Self::new(&model, tokenizer, &gains)?
            .with_temperature(relevance.temperature)
            .map_err(|e| e.in_file(&dir.join(RELEVANCE_FILE)))
    }

    /// Writes the folder, whole or not at all; a model folder of that name is replaced.
    ///
    /// # Errors
    /// [`StudentError::Folder`] if it cannot be written, or holds anything that is not part of a model
    /// folder.
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), StudentError> {
        self.save_dir_with(dir, &SaveOptions::default())
    }

    /// [`Student::save_dir`] with the weights in shards or in half precision.
    ///
    /// # Errors
    /// As [`Student::save_dir`]; also if a weight is too large for f16, and as
    /// [`SaveOptions::validate`].
    pub fn save_dir_with(
        &self,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<(), StudentError> {
        let config = self.tokenizer.config().clone();
        let mut relevance = RelevanceConfig::new(self.model.config(), &self.gains, config)?;
        relevance.temperature = self.temperature;
        let folder = new_folder(dir.as_ref())?;
        self.model.write_into(&folder, options)?;
        let text = self.tokenizer.tokenizer().to_string(true);
        let text = text.map_err(|e| StudentError::tokenizer(TOKENIZER_FILE, e))?;
        folder.write_text(TOKENIZER_FILE, &text)?;
        folder.write_json(TOKENIZER_CONFIG_FILE, &self.tokenizer_config())?;
        folder.write_json(RELEVANCE_FILE, &relevance)?;
        Ok(folder.commit()?)
    }

    /// The model, for inference.
    pub fn model(&self) -> &BertForSequenceClassification {
        &self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &PairTokenizer {
        &self.tokenizer
    }

    /// The temperature of calibration; 1 if there was none.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Gains in the order of the model's classes.
    pub fn gains(&self) -> &[f64] {
        &self.gains
    }

    /// What `transformers` needs beside `tokenizer.json`. The class is the one that takes that file
    /// as it is.
    fn tokenizer_config(&self) -> serde_json::Value {
        let config = self.tokenizer.config();
        let inputs: &[&str] = match config.template.segments() {
            1 => &["input_ids", "attention_mask"],
            _ => &["input_ids", "token_type_ids", "attention_mask"],
        };
        let mut value = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": config.max_length,
            "model_input_names": inputs,
            "cls_token": config.cls_token,
            "sep_token": config.sep_token,
            "pad_token": config.pad_token,
        });
        // Tokens that pairs do not need; the names are BERT's and RoBERTa's.
        let others = [
            ("unk_token", ["[UNK]", "<unk>"]),
            ("mask_token", ["[MASK]", "<mask>"]),
        ];
        for (key, names) in others {
            let known = |name: &&str| self.tokenizer.tokenizer().token_to_id(name).is_some();
            if let Some(name) = names.into_iter().find(known) {
                value[key] = name.into();
            }
        }
        value
    }
}

/// A model that every output of the tokenizer can be given to: otherwise an index would be out of
/// bounds on the device, in the middle of a batch; or two would disagree on what padding is.
pub(crate) fn check_fit(
    model: &BertForSequenceClassification,
    tokenizer: &PairTokenizer,
) -> Result<(), StudentError> {
    let config = model.config();
    // Not the number of tokens: ids may have holes.
    let rows = tokenizer.id_bound();
    if rows > config.vocab_size {
        let allowed = format!("at least {rows}, the tokenizer's largest id plus 1");
        return Err(StudentError::invalid(
            "vocab_size",
            config.vocab_size,
            allowed,
        ));
    }
    let segments = tokenizer.template().segments();
    if config.type_vocab_size < segments {
        let allowed = format!("at least {segments}, the segments of the tokenizer's pairs");
        return Err(StudentError::invalid(
            "type_vocab_size",
            config.type_vocab_size,
            allowed,
        ));
    }
    let (found, pad) = (config.pad_token_id, tokenizer.pad_id());
    if config.model_type.skips_padding() && found as u64 != u64::from(pad) {
        let allowed = format!("{pad}, the tokenizer's: a {} skips it", config.model_type);
        return Err(StudentError::invalid("pad_token_id", found, allowed));
    }
    check_length("max_length", tokenizer.config().max_length, model)
}

/// A length that the model has positions for.
pub(crate) fn check_length(
    key: &str,
    length: usize,
    model: &BertForSequenceClassification,
) -> Result<(), StudentError> {
    let config = model.config();
    let (tokens, rows) = (config.max_tokens(), config.max_position_embeddings);
    if length <= tokens {
        return Ok(());
    }
    let allowed = match config.first_position() {
        0 => format!("at most {tokens}, the model's max_position_embeddings"),
        first => {
            format!("at most {tokens}, the model's {rows} max_position_embeddings from {first} on")
        }
    };
    Err(StudentError::invalid(key, length, allowed))
}

/// Tokens that did not come from the student's own tokenizer just now.
pub(crate) fn check_encodings(
    model: &BertForSequenceClassification,
    encodings: &[Encoding],
) -> Result<(), StudentError> {
    let config = model.config();
    let beyond = |ids: &[u32], bound: usize| ids.iter().copied().find(|&id| id as usize >= bound);
    for (index, encoding) in encodings.iter().enumerate() {
        let (tokens, segments) = (encoding.ids.len(), encoding.type_ids.len());
        let longest = config.max_tokens();
        let (found, allowed) = if !(1..=longest).contains(&tokens) {
            (format!("{tokens} tokens"), format!("1 to {longest}"))
        } else if segments != tokens {
            let found = format!("{segments} segment ids");
            (found, format!("{tokens}, one for each token"))
        } else if let Some(id) = beyond(&encoding.ids, config.vocab_size) {
            let bound = config.vocab_size;
            (format!("token id {id}"), format!("below {bound}"))
        } else if let Some(id) = beyond(&encoding.type_ids, config.type_vocab_size) {
            let bound = config.type_vocab_size;
            (format!("segment id {id}"), format!("below {bound}"))
        } else {
            continue;
        };
        return Err(StudentError::Encoding {
            index,
            found,
            allowed,
        });
    }
    Ok(())
}
