//! Model folders, written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::StudentError;
use crate::config::CONFIG_FILE;
use crate::shards::{INDEX_FILE, WEIGHTS_FILE, is_shard_name};

/// File name of a student's tokenizer.
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";
/// File name of the tokenizer's settings for `transformers`.
pub(crate) const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
/// File name of what a ranker needs to know and `config.json` has no keys for.
pub(crate) const RELEVANCE_FILE: &str = "relevance.json";

/// What a folder may hold and still be replaced by a new model.
const MODEL_FILES: [&str; 12] = [
    CONFIG_FILE,
    WEIGHTS_FILE,
    INDEX_FILE,
    TOKENIZER_FILE,
    TOKENIZER_CONFIG_FILE,
    RELEVANCE_FILE,
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "README.md",
];

/// Writes a folder: `fill` writes into a new folder beside `dir`, which then takes its name.
///
/// A model folder of that name is replaced; a folder that holds anything else is refused, so that a
/// mistyped path destroys nothing. If anything fails, what was there before stays.
pub(crate) fn write_folder(
    dir: &Path,
    fill: impl FnOnce(&Path) -> Result<(), StudentError>,
) -> Result<(), StudentError> {
    refuse_foreign(dir)?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(|e| StudentError::io(parent, e))?;
    let fresh = tempfile::Builder::new()
        .prefix(".student-")
        .tempdir_in(parent);
    let fresh = fresh.map_err(|e| StudentError::io(parent, e))?;
    let filled = fresh.path().join("new");
    fs::create_dir(&filled).map_err(|e| StudentError::io(&filled, e))?;
    fill(&filled)?;
    let replaced = fresh.path().join("old");
    if dir.exists() {
        fs::rename(dir, &replaced).map_err(|e| StudentError::io(dir, e))?;
    }
    fs::rename(&filled, dir).map_err(|e| {
        if replaced.exists() {
            // The rename that moved it away worked a moment ago; nothing more can be done if this fails.
            let _ = fs::rename(&replaced, dir);
        }
        StudentError::io(dir, e)
    })
}

fn refuse_foreign(dir: &Path) -> Result<(), StudentError> {
    if !dir.exists() {
        return Ok(());
    }
    let entries = fs::read_dir(dir).map_err(|e| StudentError::io(dir, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| StudentError::io(dir, e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !MODEL_FILES.contains(&name.as_str()) && !is_shard_name(&name) {
            return Err(StudentError::FolderOccupied {
                dir: dir.to_owned(),
                entry: name,
            });
        }
    }
    Ok(())
}

/// Writes a text file to disk before returning.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), StudentError> {
    let mut file = fs::File::create(path).map_err(|e| StudentError::io(path, e))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|e| StudentError::io(path, e))
}
