//! Text to tokens and back, with a Hugging Face `tokenizer.json`.

use std::path::Path;

use hf_folder::{
    FolderWriter, SpecialTokens, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, read_tokenizer,
};
use serde_json::{Value, json};
use tokenizers::Tokenizer;

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
    ///
    /// ```
    /// use causal_lm::LmTokenizer;
    /// # let dir = tempfile::tempdir()?;
    /// std::fs::write(dir.path().join("tokenizer.json"), r#"{"version": "1.0", "truncation": null,
    ///     "padding": null, "normalizer": null, "post_processor": null, "decoder": null,
    ///     "pre_tokenizer": {"type": "Whitespace"}, "added_tokens": [{"id": 0, "content": "</s>",
    ///         "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
    ///     "model": {"type": "WordLevel", "vocab": {"</s>": 0, "?": 1, "usb": 2, "cable": 9}, "unk_token": "?"}}"#)?;
    /// let tokenizer = LmTokenizer::from_dir(dir.path())?;
    /// assert_eq!(tokenizer.encode("usb cable")?, [2, 9]);
    /// // Four tokens, but the largest id asks for ten rows.
    /// assert_eq!((tokenizer.eos_id(), tokenizer.vocab_size()), (0, 10));
    ///
    /// tokenizer.save_dir(dir.path().join("copy"))?;
    /// let copy = LmTokenizer::from_dir(dir.path().join("copy"))?;
    /// assert_eq!(copy.encode("usb")?, [2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self, CausalLmError> {
        Self::from_file(dir.as_ref().join(TOKENIZER_FILE))
    }

    /// Reads a `tokenizer.json`. The tokens that end a text and fill rows are `eos_token` and
    /// `pad_token` of the `tokenizer_config.json` or `special_tokens_map.json` beside it; without one,
    /// the usual names are tried.
    ///
    /// # Errors
    /// [`CausalLmError::Folder`] or [`CausalLmError::Tokenizer`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CausalLmError> {
        let path = path.as_ref();
        let text = read_tokenizer(path)?;
        let refused = |reason: String| CausalLmError::Tokenizer {
            reason: format!("{}: {reason}", path.display()),
        };
        let tokenizer = Tokenizer::from_bytes(text).map_err(|error| refused(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let special = SpecialTokens::from_dir(folder)?;
        let eos = special.get("eos_token").or_else(|| first(&tokenizer, &EOS));
        let eos = eos.ok_or_else(|| {
            refused(format!(
                "no token ends a text; name it as `eos_token` in {TOKENIZER_CONFIG_FILE}, or have one of {}",
                EOS.join(", ")
            ))
        })?;
        let pad = special.get("pad_token").or_else(|| first(&tokenizer, &PAD));
        let (eos, pad) = (eos.to_owned(), pad.unwrap_or(eos).to_owned());
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

    /// The largest token id plus 1, special tokens included: the least `vocab_size` of a model. A
    /// vocabulary with holes has fewer tokens than that.
    pub fn vocab_size(&self) -> usize {
        let largest = self.tokenizer.get_vocab(true).into_values().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// The tokenizer itself.
    pub fn inner(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder, which is made if missing and
    /// may hold a model. Each file appears whole or not at all. `transformers.AutoTokenizer` opens it.
    ///
    /// # Errors
    /// [`CausalLmError::Folder`] or [`CausalLmError::Tokenizer`].
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), CausalLmError> {
        let dir = dir.as_ref();
        for (name, text) in self.files()? {
            hf_folder::write_text(dir.join(name), &text)?;
        }
        Ok(())
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder that is going to hold more.
    ///
    /// # Errors
    /// As [`LmTokenizer::save_dir`].
    pub fn write_into(&self, folder: &FolderWriter) -> Result<(), CausalLmError> {
        for (name, text) in self.files()? {
            folder.write_text(name, &text)?;
        }
        Ok(())
    }

    /// Names and texts of the files.
    fn files(&self) -> Result<[(&'static str, String); 2], CausalLmError> {
        let tokenizer = self.tokenizer.to_string(true).map_err(refused)?;
        let config: Value = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": self.eos.0,
            "pad_token": self.pad.0,
            "clean_up_tokenization_spaces": false,
        });
        let config = format!("{config:#}\n");
        Ok([(TOKENIZER_FILE, tokenizer), (TOKENIZER_CONFIG_FILE, config)])
    }
}

/// The first of some names that the vocabulary has.
fn first<'a>(tokenizer: &Tokenizer, names: &[&'a str]) -> Option<&'a str> {
    let known = |name: &&&str| tokenizer.token_to_id(name).is_some();
    names.iter().find(known).copied()
}

fn refused(error: tokenizers::Error) -> CausalLmError {
    CausalLmError::Tokenizer {
        reason: error.to_string(),
    }
}
