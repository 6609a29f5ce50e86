//! Reasoning about a pair, kept apart from the verdict.

use crate::{LabelSchema, LabelWords};
use serde::{Deserialize, Serialize};

/// Why an item is more or less relevant: the reasoning only, never the verdict.
///
/// Stage 2 of the method depends on this: a reason that states its label makes the
/// reasoning-augmented task trivial. The type keeps out verdict tags (`<label>..</label>`), and
/// [`Rationale::without_label_words`] removes the label's words. In JSON it is a plain string.
///
/// ```
/// use relevance_data::{LabelSchema, Rationale};
/// let rationale = Rationale::new("Same brand; an exact fit. <label>Exact</label>");
/// assert_eq!(rationale.as_str(), "Same brand; an exact fit.");
/// assert_eq!(rationale.without_label_words(&LabelSchema::esci()).as_str(), "Same brand; an fit.");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Rationale(String);

impl Rationale {
    /// The reasoning in a text: whole verdict tags with what they enclose, stray halves of such
    /// tags, and surrounding whitespace are left out.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        // Removal can bring the halves of another tag together, hence the loop; each round shortens.
        while let Some(cut) = super::reply::strip_one_tag(&text) {
            text = cut;
        }
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            text = trimmed.to_owned();
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no reasoning at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same reasoning without the words that name a label, whatever their case or ending
    /// ("Exact", "exactly", "substitution", "irrelevance"); see [`LabelWords`].
    #[must_use]
    pub fn without_label_words(&self, schema: &LabelSchema) -> Self {
        Self::new(LabelWords::new(schema).strip(&self.0))
    }

    /// The spans that the reasoning cites: what stands between straight double quotes.
    ///
    /// ```
    /// let rationale = relevance_data::Rationale::new("It has \"kitchen\" and \"towel\".");
    /// assert_eq!(rationale.citations().collect::<Vec<_>>(), ["kitchen", "towel"]);
    /// ```
    pub fn citations(&self) -> impl Iterator<Item = &str> {
        let pieces: Vec<&str> = self.0.split('"').collect();
        let closed = (pieces.len() - 1) / 2; // an unclosed quote cites nothing
        pieces
            .into_iter()
            .skip(1)
            .step_by(2)
            .take(closed)
            .filter(|span| !span.trim().is_empty())
    }
}

impl std::fmt::Display for Rationale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Rationale {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Rationale> for String {
    fn from(rationale: Rationale) -> Self {
        rationale.0
    }
}
