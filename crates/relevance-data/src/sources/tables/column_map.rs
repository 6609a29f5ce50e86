//! Which column holds what.

use crate::DataError;
use serde::{Deserialize, Serialize};

/// The columns of a table; those that are absent are not read. In JSON Lines a name may be a path into
/// nested objects: `query.text`.
///
/// ```
/// use relevance_data::ColumnMap;
/// let columns = ColumnMap::new("q", "product").with_label("grade");
/// assert_eq!(columns, serde_json::from_str(r#"{"query": "q", "title": "product", "label": "grade"}"#)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ColumnMap {
    /// The query's text; must not be empty in any row.
    pub query: String,
    /// The item's title; may be empty only where another text of the item (brand, colour, selling points,
    /// description) is not.
    pub title: String,
    /// The query's identifier.
    #[serde(default)]
    pub query_id: Option<String>,
    /// The item's identifier.
    #[serde(default)]
    pub item_id: Option<String>,
    /// The item's description.
    #[serde(default)]
    pub description: Option<String>,
    /// The item's selling points.
    #[serde(default)]
    pub bullet_points: Option<String>,
    /// The item's brand.
    #[serde(default)]
    pub brand: Option<String>,
    /// The item's colour.
    #[serde(default)]
    pub color: Option<String>,
    /// The market or language of both.
    #[serde(default)]
    pub locale: Option<String>,
    /// The label, by name or alias; must not be empty in any row.
    #[serde(default)]
    pub label: Option<String>,
    /// The part of the data that the row belongs to.
    #[serde(default)]
    pub split: Option<String>,
}

impl ColumnMap {
    /// A query and a title, nothing else.
    pub fn new(query: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            title: title.into(),
            query_id: None,
            item_id: None,
            description: None,
            bullet_points: None,
            brand: None,
            color: None,
            locale: None,
            label: None,
            split: None,
        }
    }

    /// Reads the query's identifier from this column.
    #[must_use]
    pub fn with_query_id(mut self, column: impl Into<String>) -> Self {
        self.query_id = Some(column.into());
        self
    }

    /// Reads the item's identifier from this column.
    #[must_use]
    pub fn with_item_id(mut self, column: impl Into<String>) -> Self {
        self.item_id = Some(column.into());
        self
    }

    /// Reads the item's description from this column.
    #[must_use]
    pub fn with_description(mut self, column: impl Into<String>) -> Self {
        self.description = Some(column.into());
        self
    }

    /// Reads the item's selling points from this column.
    #[must_use]
    pub fn with_bullet_points(mut self, column: impl Into<String>) -> Self {
        self.bullet_points = Some(column.into());
        self
    }

    /// Reads the item's brand from this column.
    #[must_use]
    pub fn with_brand(mut self, column: impl Into<String>) -> Self {
        self.brand = Some(column.into());
        self
    }

    /// Reads the item's colour from this column.
    #[must_use]
    pub fn with_color(mut self, column: impl Into<String>) -> Self {
        self.color = Some(column.into());
        self
    }

    /// Reads the market or language of both from this column.
    #[must_use]
    pub fn with_locale(mut self, column: impl Into<String>) -> Self {
        self.locale = Some(column.into());
        self
    }

    /// Reads the label from this column.
    #[must_use]
    pub fn with_label(mut self, column: impl Into<String>) -> Self {
        self.label = Some(column.into());
        self
    }

    /// Reads the part of the data that a row belongs to from this column.
    #[must_use]
    pub fn with_split(mut self, column: impl Into<String>) -> Self {
        self.split = Some(column.into());
        self
    }

    /// Checks that the two columns which every table has are named.
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] if `query` or `title` is empty.
    pub fn validate(&self) -> Result<(), DataError> {
        for (field, name) in [("query", &self.query), ("title", &self.title)] {
            if name.is_empty() {
                return Err(DataError::InvalidConfig {
                    field,
                    value: "empty".to_owned(),
                    allowed: "a column's name".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The columns that [`write_pairs`](super::write_pairs) writes, each under its own name.
    pub fn canonical() -> Self {
        let own = |name: &str| Some(name.to_owned());
        Self {
            query_id: own("query_id"),
            item_id: own("item_id"),
            description: own("description"),
            bullet_points: own("bullet_points"),
            brand: own("brand"),
            color: own("color"),
            locale: own("locale"),
            label: own("label"),
            split: None,
            ..Self::new("query", "title")
        }
    }

    /// The names of what [`Item::text`](crate::Item::text) joins.
    pub(super) fn item_texts(&self) -> impl Iterator<Item = &str> {
        let others = [
            &self.brand,
            &self.color,
            &self.bullet_points,
            &self.description,
        ];
        let others = others.into_iter().filter_map(|name| name.as_deref());
        std::iter::once(self.title.as_str()).chain(others)
    }

    /// The names in the order of [`Field`], none for a field that is not read.
    pub(super) fn names(&self) -> [Option<&str>; Field::COUNT] {
        [
            Some(self.query.as_str()),
            Some(self.title.as_str()),
            self.query_id.as_deref(),
            self.item_id.as_deref(),
            self.description.as_deref(),
            self.bullet_points.as_deref(),
            self.brand.as_deref(),
            self.color.as_deref(),
            self.locale.as_deref(),
            self.label.as_deref(),
            self.split.as_deref(),
        ]
    }
}

impl Default for ColumnMap {
    fn default() -> Self {
        Self::canonical()
    }
}

/// A field of a row, as a position in [`ColumnMap::names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Query,
    Title,
    QueryId,
    ItemId,
    Description,
    BulletPoints,
    Brand,
    Color,
    Locale,
    Label,
    Split,
}

impl Field {
    pub(crate) const COUNT: usize = 11;
}
