//! Which model a `config.json` describes.

use serde_json::{Map, Value};

/// The architectures that a crate has, under the `model_type` of a `config.json`.
///
/// ```
/// use hf_folder::Architecture;
///
/// #[derive(Debug, Clone, Copy, PartialEq)]
/// enum ModelType { Bert, Roberta }
///
/// impl Architecture for ModelType {
///     const ALL: &'static [Self] = &[Self::Bert, Self::Roberta];
///     fn model_type(self) -> &'static str {
///         match self { Self::Bert => "bert", Self::Roberta => "roberta" }
///     }
/// }
///
/// let keys = |text| serde_json::from_str(text).unwrap();
/// assert_eq!(ModelType::of_config(&keys(r#"{"model_type": "roberta"}"#)), Ok(ModelType::Roberta));
/// let error = ModelType::of_config(&keys(r#"{"model_type": "gpt2"}"#)).unwrap_err();
/// assert_eq!(error.to_string(), r#"`model_type` is "gpt2", allowed: "bert" or "roberta""#);
/// ```
pub trait Architecture: Copy + 'static {
    /// All that there are.
    const ALL: &'static [Self];

    /// The value of `model_type`.
    fn model_type(self) -> &'static str;

    /// The architecture of a `config.json`.
    ///
    /// # Errors
    /// [`UnknownArchitecture`] if `model_type` is missing or none of [`Architecture::ALL`].
    fn of_config(config: &Map<String, Value>) -> Result<Self, UnknownArchitecture> {
        let found = config.get("model_type").unwrap_or(&Value::Null);
        let known = |one: &&Self| found == one.model_type();
        let unknown = || UnknownArchitecture {
            found: found.to_string(),
            allowed: one_of(Self::ALL.iter().map(|one| one.model_type())),
        };
        Self::ALL.iter().find(known).copied().ok_or_else(unknown)
    }
}

/// A `model_type` that a crate does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`model_type` is {found}, allowed: {allowed}")]
pub struct UnknownArchitecture {
    /// What stands there, as JSON; `null` if nothing does.
    pub found: String,
    /// Those that the crate has.
    pub allowed: String,
}

/// `"a", "b" or "c"`
fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        last => last.unwrap_or_default(),
    }
}
