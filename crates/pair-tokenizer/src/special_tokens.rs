//! Which special tokens a Hugging Face folder says that its tokenizer has.

use crate::{PairTokenizerConfig, PairTokenizerError};
use serde_json::{Map, Value};
use std::path::Path;

/// Where the names stand, the first file with a name counts.
const FILES: [&str; 2] = ["tokenizer_config.json", "special_tokens_map.json"];

/// `cls_token`, `sep_token` and `pad_token` of a folder, as far as its files name them, in place of
/// those of `config`.
pub(crate) fn of_folder(
    dir: &Path,
    mut config: PairTokenizerConfig,
) -> Result<PairTokenizerConfig, PairTokenizerError> {
    let mut files = Vec::new();
    for file in FILES {
        files.extend(read(&dir.join(file))?);
    }
    let named = |key: &str| files.iter().find_map(|file| content(file.get(key)?));
    for (key, token) in [
        ("cls_token", &mut config.cls_token),
        ("sep_token", &mut config.sep_token),
        ("pad_token", &mut config.pad_token),
    ] {
        if let Some(name) = named(key) {
            *token = name.to_owned();
        }
    }
    Ok(config)
}

/// A token is a string, or an object that holds it (`AddedToken`).
fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

fn read(path: &Path) -> Result<Option<Map<String, Value>>, PairTokenizerError> {
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(PairTokenizerError::io(path))?;
    match serde_json::from_str(&text) {
        Ok(keys) => Ok(Some(keys)),
        Err(error) => Err(PairTokenizerError::Json {
            path: path.to_owned(),
            line: error.line(),
            message: error.to_string(),
        }),
    }
}
