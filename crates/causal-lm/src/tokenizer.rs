//! Text to tokens and back, with a Hugging Face `tokenizer.json`.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use tokenizers::Tokenizer;

use crate::checkpoint::{read_json, write};
use crate::error::CausalLmError;

/// What ends a text in files that do not say; the first that the vocabulary has is taken.
const EOS: [&str; 5] = [
    "<|endoftext|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "</s>",
];
/// What fills short rows, likewise; else the token that ends a text.
const PAD: [&str; 3] = ["<|pad|>", "<pad>", "<|endoftext|>"];
const TOKENIZER_FILE: &str = "tokenizer.json";
const CONFIG_FILE: &str = "tokenizer_config.json";

/// Text to tokens and back.
///
/// Text is encoded as text: no special token is added, and one that is spelled out in the text
/// (`<|endoftext|>` in a product's title) becomes ordinary tokens.
#[derive(Debug, Clone)]
pub struct LmTokenizer {
    tokenizer: Tokenizer,
    eos: (String, u32),
    pad: (String, u32),
}

impl LmTokenizer {
    /// Reads the tokenizer of a Hugging Face folder: its `tokenizer.json`, as
    /// [`from_file`](Self::from_file).
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self, CausalLmError> {
        Self::from_file(dir.as_ref().join(TOKENIZER_FILE))
    }

    /// Reads a `tokenizer.json`. The tokens that end a text and fill rows are `eos_token` and
    /// `pad_token` of the `tokenizer_config.json` beside it; without one, the usual names are
    /// tried.
    ///
    /// # Errors
    /// [`CausalLmError::Io`], [`CausalLmError::Json`] or [`CausalLmError::Tokenizer`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CausalLmError> {
        let path = path.as_ref();
        let text = fs::read(path).map_err(CausalLmError::io(path, "open"))?;
        let tokenizer = Tokenizer::from_bytes(text).map_err(|error| CausalLmError::Json {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        let beside = path.with_file_name(CONFIG_FILE);
        let config = match beside.is_file() {
            true => read_json(&beside)?,
            false => Map::new(),
        };
        let eos = named(&config, "eos_token").or_else(|| first(&tokenizer, &EOS));
        let eos = eos.ok_or_else(|| CausalLmError::Tokenizer {
            reason: format!(
                "{}: no token ends a text; name it as `eos_token` in {CONFIG_FILE}, or have one of {}",
                path.display(),
                EOS.join(", ")
            ),
        })?;
        let pad = named(&config, "pad_token").or_else(|| first(&tokenizer, &PAD));
        let pad = pad.unwrap_or_else(|| eos.clone());
        Self::from_tokenizer(tokenizer, &eos, &pad)
    }

    /// Wraps a tokenizer; `eos` ends a text, `pad` fills short rows.
    ///
    /// # Errors
    /// [`CausalLmError::Tokenizer`] if the vocabulary lacks one of the two.
    pub fn from_tokenizer(
        mut tokenizer: Tokenizer,
        eos: &str,
        pad: &str,
    ) -> Result<Self, CausalLmError> {
        let id = |token: &str| {
            let id = tokenizer.token_to_id(token);
            let id = id.ok_or_else(|| CausalLmError::Tokenizer {
                reason: format!("the vocabulary has no token {token:?}"),
            });
            id.map(|id| (token.to_owned(), id))
        };
        let (eos, pad) = (id(eos)?, id(pad)?);
        tokenizer.set_encode_special_tokens(true);
        Ok(Self {
            tokenizer,
            eos,
            pad,
        })
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// [`CausalLmError::Tokenizer`] if the text has a character that the vocabulary cannot spell
    /// (never with a byte-level one).
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, CausalLmError> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(refused)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The tokens of each text, computed on all cores.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_batch(
        &self,
        texts: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<Vec<u32>>, CausalLmError> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let encodings = self
            .tokenizer
            .encode_batch_fast(texts, false)
            .map_err(refused)?;
        Ok(encodings.iter().map(|e| e.get_ids().to_vec()).collect())
    }

    /// The text of some tokens; special tokens are left out.
    ///
    /// # Errors
    /// [`CausalLmError::Tokenizer`] if the tokenizer's decoder refuses them.
    pub fn decode(&self, ids: &[u32]) -> Result<String, CausalLmError> {
        self.tokenizer.decode(ids, true).map_err(refused)
    }

    /// The token that ends a text.
    pub fn eos_id(&self) -> u32 {
        self.eos.1
    }

    /// The token that fills short rows.
    pub fn pad_id(&self) -> u32 {
        self.pad.1
    }

    /// Tokens in the vocabulary, special ones included: the least `vocab_size` of a model.
    pub fn vocab_size(&self) -> usize {
        let largest = self.tokenizer.get_vocab(true).values().copied().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// The tokenizer itself.
    pub fn inner(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder, which is made if missing.
    /// `transformers.AutoTokenizer` opens it.
    ///
    /// # Errors
    /// [`CausalLmError::Io`] or [`CausalLmError::Tokenizer`].
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), CausalLmError> {
        let dir = dir.as_ref();
        fs::create_dir_all(dir).map_err(CausalLmError::io(dir, "create folder"))?;
        let text = self.tokenizer.to_string(true).map_err(refused)?;
        write(&dir.join(TOKENIZER_FILE), text.as_bytes())?;
        let config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": self.eos.0,
            "pad_token": self.pad.0,
            "clean_up_tokenization_spaces": false,
        });
        write(&dir.join(CONFIG_FILE), format!("{config:#}\n").as_bytes())
    }
}

/// A token that the config names, as a string or as an object with `content`.
fn named(config: &Map<String, Value>, key: &str) -> Option<String> {
    let value = config.get(key)?;
    let text = value.as_str().or_else(|| value.get("content")?.as_str());
    text.map(str::to_owned)
}

fn first(tokenizer: &Tokenizer, names: &[&str]) -> Option<String> {
    let known = names
        .iter()
        .find(|name| tokenizer.token_to_id(name).is_some());
    known.map(|name| (*name).to_owned())
}

fn refused(error: tokenizers::Error) -> CausalLmError {
    CausalLmError::Tokenizer {
        reason: error.to_string(),
    }
}
