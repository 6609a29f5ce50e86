//! Queries, items, and the pairs of both that are judged.

use crate::Label;
use serde::{Deserialize, Serialize};

/// What someone searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Query {
    /// An identifier, unique within the data set; empty if there is none.
    #[serde(default)]
    pub id: String,
    /// The query as it was typed.
    pub text: String,
    /// The market or language (`us`, `es`, `jp` in ESCI); empty if unknown.
    #[serde(default)]
    pub locale: String,
}

impl Query {
    /// A query without a locale.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            text: text.into(),
            locale: String::new(),
        }
    }
}

/// What a search may return: a product, service or document. Absent fields are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Item {
    /// An identifier, unique within the locale; empty if there is none.
    #[serde(default)]
    pub id: String,
    /// The title.
    pub title: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Selling points, usually one a line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bullet_points: String,
    /// The brand or maker.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub brand: String,
    /// The colour, as the seller words it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub color: String,
    /// The market or language (`us`, `es`, `jp` in ESCI); empty if unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub locale: String,
}

impl Item {
    /// An item of which only the title is known.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            ..Self::default()
        }
    }

    /// What a model reads: title, brand, color, bullet points and description, one after the other,
    /// each on its own line, empty ones left out. The most telling come first, so that truncation
    /// at the end costs least.
    ///
    /// ```
    /// let item = relevance_data::Item { brand: "KAF Home".into(), ..relevance_data::Item::new("B1", "Dish Towel") };
    /// assert_eq!(item.text(), "Dish Towel\nKAF Home");
    /// ```
    pub fn text(&self) -> String {
        let mut text = String::new();
        for field in self.fields() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(field);
        }
        text
    }

    /// The fields that [`Item::text`] joins: trimmed, none empty.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        [
            &self.title,
            &self.brand,
            &self.color,
            &self.bullet_points,
            &self.description,
        ]
        .into_iter()
        .map(|field| field.trim())
        .filter(|field| !field.is_empty())
    }
}

/// A query and an item, not judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// The query.
    pub query: Query,
    /// The item.
    pub item: Item,
}

/// A query, an item, and how relevant the item is.
///
/// ```
/// use relevance_data::{Item, LabelSchema, LabeledPair, Pair, Query};
/// let pair = Pair { query: Query::new("q1", "usb c cable"), item: Item::new("B1", "USB-C cable, 2 m") };
/// let judged = LabeledPair { pair, label: LabelSchema::esci().parse("Exact")? };
/// assert_eq!((judged.pair.query.text.as_str(), judged.label.index()), ("usb c cable", 0));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabeledPair {
    /// What was judged.
    pub pair: Pair,
    /// The judgment.
    pub label: Label,
}
