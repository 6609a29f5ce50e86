//! What a file's name says about its contents.

use crate::DataError;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The layout of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TableFormat {
    /// Comma-separated, quoted as RFC 4180 says, with a header.
    Csv,
    /// Tab-separated, quoted alike, with a header.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl TableFormat {
    /// The format that a name's extension tells; a further `.gz` or `.zst` is passed over.
    ///
    /// ```
    /// use relevance_data::sources::TableFormat;
    /// assert_eq!(TableFormat::of("pairs.tsv.gz".as_ref())?, TableFormat::Tsv);
    /// assert!(TableFormat::of("pairs.xlsx".as_ref()).is_err());
    /// # Ok::<(), relevance_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::InvalidConfig`] for an extension that tells none.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        let inner = name.strip_suffix(".gz").or(name.strip_suffix(".zst"));
        let extension = inner.unwrap_or(&name).rsplit_once('.');
        match extension.map(|(_, extension)| extension) {
            Some("csv") => Ok(Self::Csv),
            Some("tsv") => Ok(Self::Tsv),
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(DataError::InvalidConfig {
                field: "format",
                value: format!("that of {}", path.display()),
                allowed:
                    ".csv, .tsv, .jsonl, .ndjson, .parquet, each also with .gz or .zst; or the \
                     setting `format`"
                        .to_owned(),
            }),
        }
    }
}
