//! `config.json`: what is read from it, what is refused, what is written.

use std::path::Path;

use hf_folder::{Architecture, CONFIG_FILE, FolderError, read_json};
use serde_json::{Map, Value};

use crate::config::{MOST_LABELS, numbered};
use crate::{BertConfig, ModelType, StudentError};

impl BertConfig {
    /// Parses the text of a `config.json` and validates it.
    ///
    /// # Errors
    /// [`StudentError::InvalidConfig`] names the key, its value and what is allowed.
    pub fn from_json(text: &str) -> Result<Self, StudentError> {
        let path = Path::new(CONFIG_FILE);
        Self::parse(serde_json::from_str(text).map_err(json(path))?, path)
    }

    /// Reads `config.json` from a model folder and validates it.
    ///
    /// # Errors
    /// [`StudentError::Folder`] if the file cannot be read, [`StudentError::InvalidConfig`] if a value is
    /// not one this crate implements.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self, StudentError> {
        let path = dir.as_ref().join(CONFIG_FILE);
        Self::parse(read_json(&path)?, &path)
    }

    fn parse(file: Map<String, Value>, path: &Path) -> Result<Self, StudentError> {
        let in_file = |error: StudentError| error.in_file(path);
        let model_type = ModelType::of_config(&file).map_err(|e| in_file(e.into()))?;
        check_foreign_keys(&file).map_err(in_file)?;
        // Older files state a count of classes and no names.
        let count = match (file.get("id2label"), file.get("num_labels")) {
            (None, Some(count)) => Some(label_count(count).map_err(in_file)?),
            _ => None,
        };
        let mut keys = serde_json::to_value(Self::default_for(model_type)).map_err(json(path))?;
        for (key, found) in file {
            keys[key] = found;
        }
        let mut config: Self = serde_json::from_value(keys).map_err(json(path))?;
        if let Some(count) = count {
            config.id2label = numbered(count);
        }
        config.validate().map_err(in_file)?;
        Ok(config)
    }

    /// The text of `config.json` as `transformers` reads it, for a task's class (`Model`,
    /// `ForSequenceClassification`) and weights of type `dtype`.
    pub(crate) fn to_json(&self, task: &str, dtype: &str) -> Value {
        let mut config = self.clone();
        config.label2id = self.id2label.iter().map(|(i, n)| (n.clone(), *i)).collect();
        let mut value = serde_json::to_value(&config)
            .expect("numbers and names are plain data: a bug in student-model");
        value["architectures"] = serde_json::json!([self.model_type.class(task)]);
        value["position_embedding_type"] = "absolute".into();
        value["dtype"] = dtype.into();
        value["torch_dtype"] = dtype.into();
        value
    }
}

fn json(path: &Path) -> impl Fn(serde_json::Error) -> StudentError + '_ {
    |source| {
        StudentError::Folder(FolderError::Json {
            path: path.to_owned(),
            source,
        })
    }
}

/// The value of `num_labels`.
fn label_count(value: &Value) -> Result<usize, StudentError> {
    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| (1..=MOST_LABELS).contains(count));
    let allowed = || format!("1 to {MOST_LABELS}");
    count.ok_or_else(|| StudentError::invalid("num_labels", value, allowed()))
}

/// Refuses values of keys that are not part of [`BertConfig`] but change what an encoder computes.
fn check_foreign_keys(value: &Map<String, Value>) -> Result<(), StudentError> {
    let refuse = |key: &str, found: &Value, allowed: &str| {
        Err(StudentError::invalid(key, found.to_string(), allowed))
    };
    if let Some(found) = value.get("hidden_act")
        && !["gelu", "relu", "gelu_new"].iter().any(|act| found == act)
    {
        return refuse("hidden_act", found, "\"gelu\", \"relu\" or \"gelu_new\"");
    }
    if let Some(found) = value.get("position_embedding_type")
        && found != "absolute"
        && !found.is_null()
    {
        return refuse("position_embedding_type", found, "\"absolute\"");
    }
    for key in ["is_decoder", "add_cross_attention"] {
        if let Some(found) = value.get(key)
            && found != false
        {
            return refuse(key, found, "false: a student is an encoder");
        }
    }
    if let Some(found) = value.get("pruned_heads")
        && found.as_object().is_none_or(|heads| !heads.is_empty())
    {
        return refuse("pruned_heads", found, "{}");
    }
    Ok(())
}
