//! Where judgments come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use relevance_data::source::wands;
use relevance_data::{
    EsciDataset, EsciFilter, LabelSchema, LabeledPair, PairSource, RowPolicy, RowReport,
    SourceConfig,
};
use serde::{Deserialize, Serialize};

use crate::error::RunError;

/// Where judgments come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A folder with the two official ESCI files.
    Esci(PathBuf),
    /// A folder with WANDS' three files.
    Wands(PathBuf, RowPolicy),
    /// A table with named columns.
    Table(PathBuf, Box<SourceConfig>),
}

/// Judgments by the name of their part; without names all stand under the empty name.
pub type NamedPairs = BTreeMap<String, Vec<LabeledPair>>;

impl Source {
    /// Reads all judgments. `names` are the parts that the data name themselves, if they are to be kept.
    ///
    /// # Errors
    ///
    /// A file cannot be read; a row cannot be used under the policy `fail`; a row names another part.
    pub fn read(
        &self,
        schema: &LabelSchema,
        names: Option<&[String]>,
    ) -> Result<(NamedPairs, RowReport), RunError> {
        match self {
            Self::Esci(folder) => {
                let dataset = EsciDataset::open(folder)?;
                let all = [String::new()];
                let mut pairs = NamedPairs::new();
                for name in names.unwrap_or(&all) {
                    let filter = EsciFilter {
                        split: names.map(|_| name.clone()),
                        ..EsciFilter::default()
                    };
                    pairs.insert(name.clone(), dataset.pairs(&filter)?);
                }
                let report = RowReport {
                    read: pairs.values().map(Vec::len).sum(),
                    ..RowReport::default()
                };
                Ok((pairs, report))
            }
            Self::Wands(folder, policy) => stream(wands(folder, schema, *policy)?, None),
            Self::Table(path, config) => stream(PairSource::open(path, config, schema)?, names),
        }
    }
}

fn stream(
    mut source: PairSource,
    names: Option<&[String]>,
) -> Result<(NamedPairs, RowReport), RunError> {
    let style = ProgressStyle::with_template("read {pos} rows [{elapsed}, {per_sec}]");
    let bar = ProgressBar::no_length()
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let mut pairs = NamedPairs::new();
    for name in names.unwrap_or_default() {
        pairs.insert(name.clone(), Vec::new());
    }
    for found in source.by_ref() {
        let found = found?;
        bar.inc(1);
        let name = match names {
            None => String::new(),
            Some(names) => {
                let name = found.split.clone().unwrap_or_default();
                if !names.contains(&name) {
                    return Err(RunError::Option {
                        option: "parts",
                        value: format!("without {name:?}, which {} has", found.position),
                        allowed: names.join(", "),
                    });
                }
                name
            }
        };
        if let Some(pair) = found.labeled() {
            pairs.entry(name).or_default().push(pair);
        }
    }
    bar.finish_and_clear();
    Ok((pairs, source.report().clone()))
}
