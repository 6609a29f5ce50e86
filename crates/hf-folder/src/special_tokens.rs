//! The special tokens that a folder says its tokenizer has.

use std::path::Path;

use serde_json::{Map, Value};

use crate::file_names::{SPECIAL_TOKENS_FILE, TOKENIZER_CONFIG_FILE};
use crate::{FolderError, read_json};

/// The special tokens of a folder: `eos_token`, `pad_token`, `cls_token`, ....
///
/// They stand in `tokenizer_config.json` or, in older folders, in `special_tokens_map.json`; the first
/// that names one counts. A folder without the two has none.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let text = r#"{"eos_token": {"content": "</s>", "lstrip": false}, "pad_token": "<pad>"}"#;
/// std::fs::write(dir.path().join("tokenizer_config.json"), text)?;
/// let special = hf_folder::SpecialTokens::from_dir(dir.path())?;
/// assert_eq!(special.get("eos_token"), Some("</s>"));
/// assert_eq!(special.get("pad_token"), Some("<pad>"));
/// assert_eq!(special.get("cls_token"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SpecialTokens {
    files: Vec<Map<String, Value>>,
}

impl SpecialTokens {
    /// Reads them from a folder.
    ///
    /// # Errors
    /// [`FolderError::File`] or [`FolderError::Json`] if one of the files is there and is no JSON
    /// object.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self, FolderError> {
        let mut files = Vec::new();
        for name in [TOKENIZER_CONFIG_FILE, SPECIAL_TOKENS_FILE] {
            let path = dir.as_ref().join(name);
            if path.exists() {
                files.push(read_json(&path)?);
            }
        }
        Ok(Self { files })
    }

    /// The token of a role, such as `eos_token`.
    pub fn get(&self, role: &str) -> Option<&str> {
        let named = |file| -> Option<&str> { content(Map::get(file, role)?) };
        self.files.iter().find_map(named)
    }
}

/// A token is a string, or an object that holds it (`AddedToken`).
fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}
