//! A stream of pairs from any table.

use super::column_map::{ColumnMap, Field};
use super::format::TableFormat;
use super::row::{Row, Rows, fault};
use super::{delimited, json_lines};
use crate::sources::compression::{decompressed, open_file};
use crate::sources::row_report::{RowPolicy, RowReport};
use crate::{DataError, Item, Label, LabelSchema, LabeledPair, Pair, Position, Query, RowFault};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a table is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SourceConfig {
    /// The layout; told by the file's name if absent.
    pub format: Option<TableFormat>,
    /// Which column holds what. Default: [`ColumnMap::canonical`].
    pub columns: ColumnMap,
    /// What happens to a row that cannot be used.
    pub policy: RowPolicy,
}

impl SourceConfig {
    /// These columns, the layout told by the file's name, and a faulty row an error.
    pub fn new(columns: ColumnMap) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Sets the layout, whatever the file is called.
    #[must_use]
    pub fn with_format(mut self, format: TableFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets what happens to a row that cannot be used.
    #[must_use]
    pub fn with_policy(mut self, policy: RowPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] as [`ColumnMap::validate`].
    pub fn validate(&self) -> Result<(), DataError> {
        self.columns.validate()
    }
}

/// A pair as a table holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourcePair {
    /// The query and the item.
    pub pair: Pair,
    /// The judgment, if there is a label column.
    pub label: Option<Label>,
    /// The part of the data, if there is a column for it and the row fills it.
    pub split: Option<String>,
    /// Where the row stands.
    pub position: Position,
}

impl SourcePair {
    /// The pair with its judgment, if it has one.
    pub fn labeled(self) -> Option<LabeledPair> {
        let label = self.label?;
        Some(LabeledPair {
            pair: self.pair,
            label,
        })
    }
}

/// A stream of pairs from a table; see [`sources`](crate::sources).
pub struct PairSource {
    path: PathBuf,
    rows: Rows,
    columns: ColumnMap,
    schema: LabelSchema,
    policy: RowPolicy,
    report: RowReport,
    ended: bool,
}

impl std::fmt::Debug for PairSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairSource")
            .field("path", &self.path)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl PairSource {
    /// Opens a table. Labels are read by `schema`.
    ///
    /// # Errors
    /// [`DataError::Io`]; [`DataError::UnknownColumn`] names a column that the file lacks;
    /// [`DataError::InvalidConfig`] as [`SourceConfig::validate`], and for a format that cannot be told.
    pub fn open(
        path: impl AsRef<Path>,
        config: &SourceConfig,
        schema: &LabelSchema,
    ) -> Result<Self, DataError> {
        let path = path.as_ref();
        if format_of(path, config)? != TableFormat::Parquet {
            return Self::from_reader(open_file(path)?, path, config, schema);
        }
        #[cfg(feature = "parquet")]
        {
            let rows = super::parquet::rows(path, &config.columns)?;
            Ok(Self::of(path, rows, config, schema))
        }
        #[cfg(not(feature = "parquet"))]
        Err(DataError::InvalidConfig {
            field: "format",
            value: "parquet".to_owned(),
            allowed: "csv, tsv, jsonl: this build lacks the feature `parquet`".to_owned(),
        })
    }

    /// Reads a stream, such as the standard input, compressed or not. Errors call it `name`.
    ///
    /// # Errors
    /// As [`PairSource::open`]; [`DataError::InvalidConfig`] for parquet, which is not read in order.
    pub fn from_reader(
        stream: impl Read + Send + 'static,
        name: impl AsRef<Path>,
        config: &SourceConfig,
        schema: &LabelSchema,
    ) -> Result<Self, DataError> {
        let (path, columns) = (name.as_ref(), &config.columns);
        let format = format_of(path, config)?;
        let stream = decompressed(stream).map_err(DataError::io(path, "read"))?;
        let rows = match format {
            TableFormat::Csv => delimited::rows(stream, path, columns, b',')?,
            TableFormat::Tsv => delimited::rows(stream, path, columns, b'\t')?,
            TableFormat::Jsonl => json_lines::rows(stream, path, columns),
            TableFormat::Parquet => {
                return Err(DataError::InvalidConfig {
                    field: "format",
                    value: "parquet".to_owned(),
                    allowed: "csv, tsv, jsonl; a stream of parquet must be a file".to_owned(),
                });
            }
        };
        Ok(Self::of(path, rows, config, schema))
    }

    pub(crate) fn of(path: &Path, rows: Rows, config: &SourceConfig, schema: &LabelSchema) -> Self {
        Self {
            path: path.to_owned(),
            rows,
            columns: config.columns.clone(),
            schema: schema.clone(),
            policy: config.policy,
            report: RowReport::default(),
            ended: false,
        }
    }

    /// What was read and passed over so far.
    pub fn report(&self) -> &RowReport {
        &self.report
    }

    fn pair(&self, position: Position, mut row: Row) -> Result<SourcePair, DataError> {
        let locale = row.take(Field::Locale);
        let query = Query {
            id: row.take(Field::QueryId),
            text: row.take(Field::Query),
            locale: locale.clone(),
        };
        let item = Item {
            id: row.take(Field::ItemId),
            title: row.take(Field::Title),
            description: row.take(Field::Description),
            bullet_points: row.take(Field::BulletPoints),
            brand: row.take(Field::Brand),
            color: row.take(Field::Color),
            locale,
        };
        self.need(position, &self.columns.query, !query.text.trim().is_empty())?;
        // An item without a title may still have a text, as some of ESCI's have.
        let has_text = item.fields().next().is_some();
        self.need(position, &self.columns.title, has_text)?;
        let label = match &self.columns.label {
            None => None,
            Some(column) => Some(self.label(position, column, &row.take(Field::Label))?),
        };
        Ok(SourcePair {
            label,
            split: row.values[Field::Split as usize].take(),
            position,
            pair: Pair { query, item },
        })
    }

    fn label(&self, position: Position, column: &str, name: &str) -> Result<Label, DataError> {
        self.need(position, column, !name.trim().is_empty())?;
        self.schema.parse(name).map_err(|error| {
            let kind = RowFault::UnknownLabel;
            fault(&self.path, position, Some(column), kind, error.to_string())
        })
    }

    /// Refuses a row that lacks a text which every row must have.
    fn need(&self, position: Position, column: &str, is_there: bool) -> Result<(), DataError> {
        if is_there {
            return Ok(());
        }
        let (kind, message) = (RowFault::MissingValue, "empty; a text is needed");
        Err(fault(&self.path, position, Some(column), kind, message))
    }
}

/// The layout that is asked for, or that the name tells.
fn format_of(path: &Path, config: &SourceConfig) -> Result<TableFormat, DataError> {
    config.validate()?;
    config.format.map_or_else(|| TableFormat::of(path), Ok)
}

impl Iterator for PairSource {
    type Item = Result<SourcePair, DataError>;

    /// Under [`RowPolicy::Fail`] nothing comes after the first error.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let found = self.rows.next()?;
            let pair = found.and_then(|(position, row)| self.pair(position, row));
            if let Some(pair) = self.report.settle(pair, self.policy) {
                self.ended = pair.is_err();
                return Some(pair);
            }
        }
        None
    }
}
