//! Relevance classes: their names, order and gains.

use crate::DataError;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One class of a [`LabelSchema`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelClass {
    /// The name, as it is written in files and replies.
    pub name: String,
    /// The gain of an item of this class in ranking metrics; finite, not negative.
    pub gain: f64,
    /// Other spellings that are read as this class (never written).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// Ordered relevance classes with gains.
///
/// The order is ordinal (best first or worst first), so the gains never turn back.
/// As JSON: `{"name": "binary", "classes": [{"name": "Relevant", "gain": 1.0, "aliases": ["1"]},
/// {"name": "Irrelevant", "gain": 0.0}]}`; reading checks everything that [`LabelSchema::new`] checks.
///
/// ```
/// use relevance_data::LabelSchema;
/// let esci = LabelSchema::esci();
/// let label = esci.parse("S")?;
/// assert_eq!((esci.name(label), esci.gain(label), label.index()), ("Substitute", 0.1, 1));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSchema")]
pub struct LabelSchema {
    name: String,
    classes: Vec<LabelClass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSchema {
    name: String,
    classes: Vec<LabelClass>,
}

impl TryFrom<RawSchema> for LabelSchema {
    type Error = DataError;

    fn try_from(raw: RawSchema) -> Result<Self, DataError> {
        Self::new(raw.name, raw.classes)
    }
}

/// A class of a [`LabelSchema`]. Only a schema makes one, so it is always inside its own schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u16);

impl Label {
    /// The class's position in its schema, from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl LabelSchema {
    /// A schema from its classes in order.
    ///
    /// ```
    /// use relevance_data::{LabelClass, LabelSchema};
    /// let class = |name: &str, gain| LabelClass { name: name.into(), gain, aliases: vec![] };
    /// let schema = LabelSchema::new("grades", vec![class("good", 1.0), class("fair", 0.5), class("bad", 0.0)])?;
    /// assert_eq!(schema.gain(schema.parse(" Fair ")?), 0.5);
    /// let turned = LabelSchema::new("grades", vec![class("good", 1.0), class("bad", 0.0), class("fair", 0.5)]);
    /// assert!(turned.unwrap_err().to_string().contains("only falling or only rising"));
    /// # Ok::<(), relevance_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::InvalidSchema`] if there are fewer than two classes (or more than 65,535), a name
    /// is empty, padded with whitespace or holds `<`, `>` or a control character, two names or
    /// aliases read the same (case aside), a gain is negative or not finite, or the gains
    /// neither only fall nor only rise.
    pub fn new(name: impl Into<String>, classes: Vec<LabelClass>) -> Result<Self, DataError> {
        let name = name.into();
        match fault(&classes) {
            Some(reason) => Err(DataError::InvalidSchema {
                schema: name,
                reason,
            }),
            None => Ok(Self { name, classes }),
        }
    }

    /// The schema of Amazon's Shopping Queries data set (ESCI, arXiv 2206.06588), with its gains:
    /// Exact 1.0, Substitute 0.1, Complement 0.01, Irrelevant 0.0.
    pub fn esci() -> Self {
        let class = |name: &str, gain| LabelClass {
            name: name.to_owned(),
            gain,
            aliases: vec![name[..1].to_owned()],
        };
        Self {
            name: "esci".to_owned(),
            classes: vec![
                class("Exact", 1.0),
                class("Substitute", 0.1),
                class("Complement", 0.01),
                class("Irrelevant", 0.0),
            ],
        }
    }

    /// The schema of the Wayfair Annotation Data Set (WANDS, Chen et al. 2022): Exact 1.0, Partial 0.5,
    /// Irrelevant 0.0. The data set gives no gains; these are the usual ones.
    pub fn wands() -> Self {
        let class = |name: &str, gain| LabelClass {
            name: name.to_owned(),
            gain,
            aliases: Vec::new(),
        };
        Self {
            name: "wands".to_owned(),
            classes: vec![
                class("Exact", 1.0),
                class("Partial", 0.5),
                class("Irrelevant", 0.0),
            ],
        }
    }

    /// A schema from a JSON file: `{"name": ..., "classes": [{"name": ..., "gain": ..., "aliases":
    /// [...]}, ...]}`.
    ///
    /// ```
    /// use relevance_data::LabelSchema;
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("schema.json");
    /// std::fs::write(&path, r#"{"name": "binary", "classes": [{"name": "yes", "gain": 1}, {"name": "no", "gain": 0}]}"#)?;
    /// assert_eq!(LabelSchema::from_json_file(&path)?.names(), ["yes", "no"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Io`]; [`DataError::Json`] with file and line for what is no schema, also for what
    /// [`LabelSchema::new`] refuses.
    pub fn from_json_file(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(DataError::io(path, "open"))?;
        serde_json::from_slice(&text)
            .map_err(|error| DataError::json(path, error.line().max(1), &error))
    }

    /// Two classes: Relevant 1.0 (also `1`) and Irrelevant 0.0 (also `0`).
    pub fn binary() -> Self {
        let class = |name: &str, gain, alias: &str| LabelClass {
            name: name.to_owned(),
            gain,
            aliases: vec![alias.to_owned()],
        };
        Self {
            name: "binary".to_owned(),
            classes: vec![class("Relevant", 1.0, "1"), class("Irrelevant", 0.0, "0")],
        }
    }

    /// The schema's own name.
    pub fn schema_name(&self) -> &str {
        &self.name
    }

    /// The classes in order.
    pub fn classes(&self) -> &[LabelClass] {
        &self.classes
    }

    /// How many classes there are (at least two).
    #[allow(clippy::len_without_is_empty)] // A schema is never empty.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// The label of this name or alias; surrounding whitespace and case do not matter.
    ///
    /// # Errors
    /// [`DataError::UnknownLabel`], with the names that are allowed.
    pub fn parse(&self, value: &str) -> Result<Label, DataError> {
        let wanted = fold(value);
        self.labels()
            .find(|&label| self.spellings(label).any(|known| fold(known) == wanted))
            .ok_or_else(|| DataError::UnknownLabel {
                value: value.to_owned(),
                allowed: self.allowed(),
            })
    }

    /// The label at a position.
    ///
    /// # Errors
    /// [`DataError::LabelIndex`] if there is none.
    pub fn label(&self, index: usize) -> Result<Label, DataError> {
        self.labels().nth(index).ok_or(DataError::LabelIndex {
            index,
            classes: self.len(),
        })
    }

    /// A label's name.
    ///
    /// # Panics
    /// If the label was made by another schema with more classes.
    pub fn name(&self, label: Label) -> &str {
        &self.class(label).name
    }

    /// All names in order.
    pub fn names(&self) -> Vec<String> {
        self.classes
            .iter()
            .map(|class| class.name.clone())
            .collect()
    }

    /// A label's gain.
    ///
    /// # Panics
    /// If the label was made by another schema with more classes.
    pub fn gain(&self, label: Label) -> f64 {
        self.class(label).gain
    }

    /// All gains in order.
    pub fn gains(&self) -> Vec<f64> {
        self.classes.iter().map(|class| class.gain).collect()
    }

    /// All labels in order.
    pub fn labels(&self) -> impl Iterator<Item = Label> + use<> {
        // `fault` bounds the number of classes by u16::MAX.
        (0..self.classes.len() as u16).map(Label)
    }

    /// What an error message lists: `Exact (E)`, ...
    pub(crate) fn allowed(&self) -> Vec<String> {
        let with_aliases = |class: &LabelClass| match class.aliases.as_slice() {
            [] => class.name.clone(),
            aliases => format!("{} ({})", class.name, aliases.join(", ")),
        };
        self.classes.iter().map(with_aliases).collect()
    }

    fn class(&self, label: Label) -> &LabelClass {
        self.classes
            .get(label.index())
            .expect("a label is used with the schema that made it")
    }

    fn spellings(&self, label: Label) -> impl Iterator<Item = &str> {
        spellings(self.class(label))
    }
}

fn spellings(class: &LabelClass) -> impl Iterator<Item = &str> {
    std::iter::once(&class.name)
        .chain(&class.aliases)
        .map(String::as_str)
}

fn fold(spelling: &str) -> String {
    spelling.trim().to_lowercase()
}

/// What is wrong with the classes, if anything is.
fn fault(classes: &[LabelClass]) -> Option<String> {
    if !(2..=usize::from(u16::MAX)).contains(&classes.len()) {
        return Some(format!(
            "{} classes; allowed: 2 to {}",
            classes.len(),
            u16::MAX
        ));
    }
    let mut seen = std::collections::HashSet::new();
    for class in classes {
        if !(class.gain.is_finite() && class.gain >= 0.0) {
            return Some(format!(
                "gain {} of {:?}; allowed: finite and at least 0",
                class.gain, class.name
            ));
        }
        for spelling in spellings(class) {
            let forbidden = |c: char| matches!(c, '<' | '>') || c.is_control();
            if spelling.is_empty() || spelling.trim() != spelling || spelling.contains(forbidden) {
                return Some(format!(
                    "name or alias {spelling:?}; allowed: not empty, no surrounding whitespace, \
                     no '<', '>' or control character"
                ));
            }
            if !seen.insert(fold(spelling)) {
                return Some(format!("name or alias {spelling:?} appears twice"));
            }
        }
    }
    let gains: Vec<f64> = classes.iter().map(|class| class.gain).collect();
    if !gains.is_sorted() && !gains.iter().rev().is_sorted() {
        return Some(format!(
            "gains {gains:?}; allowed: only falling or only rising, for the classes are ordered"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn esci_has_its_classes_in_order() {
        let schema = LabelSchema::esci();
        assert_eq!(
            schema.names(),
            ["Exact", "Substitute", "Complement", "Irrelevant"]
        );
        assert_eq!(schema.gains(), [1.0, 0.1, 0.01, 0.0]);
        for (index, alias) in ["E", "s", " C ", "irrelevant"].iter().enumerate() {
            assert_eq!(schema.parse(alias).unwrap().index(), index);
        }
        // The built-in schemas pass the checks that custom ones do.
        for built_in in [schema, LabelSchema::binary()] {
            assert_eq!(
                LabelSchema::new(built_in.schema_name(), built_in.classes().to_vec()).unwrap(),
                built_in
            );
        }
    }

    #[test]
    fn an_unknown_label_names_what_is_allowed() {
        let schema = LabelSchema::esci();
        assert_eq!(
            schema.parse("Great").unwrap_err().to_string(),
            "unknown label \"Great\"; allowed: Exact (E), Substitute (S), Complement (C), Irrelevant (I)"
        );
        assert_eq!(
            schema.label(4).unwrap_err().to_string(),
            "class index 4 is outside the schema; allowed: 0..4"
        );
    }

    #[test]
    fn json_schemas_are_checked() {
        let read = serde_json::from_str::<LabelSchema>;
        let good = read(
            r#"{"name":"wands","classes":[{"name":"Exact","gain":1},{"name":"Partial","gain":0.5,"aliases":["P"]},{"name":"Irrelevant","gain":0}]}"#,
        )
        .unwrap();
        assert_eq!(good.len(), 3);
        let json = serde_json::to_string(&good).unwrap();
        let again = read(&json).unwrap();
        assert_eq!(again, good);
        for (json, reason) in [
            (
                r#"{"name":"x","classes":[{"name":"A","gain":1}]}"#,
                "1 classes",
            ),
            (
                r#"{"name":"x","classes":[{"name":"A","gain":1},{"name":"a","gain":0}]}"#,
                "appears twice",
            ),
            (
                r#"{"name":"x","classes":[{"name":"A","gain":1},{"name":"B","gain":-1}]}"#,
                "gain -1",
            ),
            (
                r#"{"name":"x","classes":[{"name":"A","gain":1},{"name":"B","gain":0},{"name":"C","gain":0.5}]}"#,
                "only falling",
            ),
            (
                r#"{"name":"x","classes":[{"name":"A>","gain":1},{"name":"B","gain":0}]}"#,
                "no '<'",
            ),
            (
                r#"{"name":"x","classes":[{"name":"A","gain":1,"colour":2},{"name":"B","gain":0}]}"#,
                "unknown field `colour`",
            ),
        ] {
            let message = read(json).unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
        }
    }
}
