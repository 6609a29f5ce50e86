//! Where judgments come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use relevance_data::sources::wands;
use relevance_data::{
    DataError, EsciDataset, EsciFilter, LabelSchema, LabeledPair, PairSource, RowPolicy, RowReport,
    SourceConfig, SourcePair,
};
use serde::{Deserialize, Serialize};
use training_loop::Interrupt;

use super::progress::rows_bar;
use crate::error::DistillError;
use crate::esci_folder::open_esci;

/// Where judgments come from.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A folder with the two official ESCI files.
    Esci(PathBuf, RowPolicy),
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
    /// A file cannot be read; a row cannot be used under the policy `fail`; a row names another part;
    /// `interrupt` was requested.
    pub fn read(
        &self,
        schema: &LabelSchema,
        names: Option<&[String]>,
        interrupt: &Interrupt,
    ) -> Result<(NamedPairs, RowReport), DistillError> {
        match self {
            Self::Esci(folder, policy) => {
                let dataset = open_esci(folder)?.with_policy(*policy);
                esci(&dataset.with_schema(schema.clone()), names, interrupt)
            }
            Self::Wands(folder, policy) => table(wands(folder, schema, *policy)?, None, interrupt),
            Self::Table(path, config) => {
                table(PairSource::open(path, config, schema)?, names, interrupt)
            }
        }
    }
}

/// One pass for each part that is named, for the pairs do not tell their part.
fn esci(
    dataset: &EsciDataset,
    names: Option<&[String]>,
    interrupt: &Interrupt,
) -> Result<(NamedPairs, RowReport), DistillError> {
    let all = [String::new()];
    let (mut pairs, mut report) = (NamedPairs::new(), RowReport::default());
    for name in names.unwrap_or(&all) {
        let filter = match names {
            Some(_) => EsciFilter::split(name),
            None => EsciFilter::default(),
        };
        let mut stream = dataset.stream(&filter)?;
        let found = collect(stream.by_ref(), interrupt, |pair| Ok(Some(pair)))?;
        pairs.insert(name.clone(), found);
        report.add(stream.report());
    }
    Ok((pairs, report))
}

fn table(
    mut source: PairSource,
    names: Option<&[String]>,
    interrupt: &Interrupt,
) -> Result<(NamedPairs, RowReport), DistillError> {
    let mut pairs = NamedPairs::new();
    for name in names.unwrap_or_default() {
        pairs.insert(name.clone(), Vec::new());
    }
    collect::<_, LabeledPair>(source.by_ref(), interrupt, |found: SourcePair| {
        let name = match names {
            None => String::new(),
            Some(names) => named(&found, names)?,
        };
        if let Some(pair) = found.labeled() {
            pairs.entry(name).or_default().push(pair);
        }
        Ok(None)
    })?;
    Ok((pairs, source.report().clone()))
}

/// The part that a row names.
fn named(found: &SourcePair, names: &[String]) -> Result<String, DistillError> {
    let name = found.split.clone().unwrap_or_default();
    if names.contains(&name) {
        return Ok(name);
    }
    Err(DistillError::InvalidConfig {
        field: "parts",
        value: format!("without {name:?}, which {} has", found.position),
        allowed: names.join(", "),
    })
}

/// What `keep` gives back of each row, with a progress bar.
fn collect<T, K>(
    rows: impl Iterator<Item = Result<T, DataError>>,
    interrupt: &Interrupt,
    mut keep: impl FnMut(T) -> Result<Option<K>, DistillError>,
) -> Result<Vec<K>, DistillError> {
    let bar = rows_bar("read");
    let mut kept = Vec::new();
    for row in rows {
        if interrupt.is_requested() {
            bar.finish_and_clear();
            return Err(DistillError::Interrupted {
                stage: "read".into(),
            });
        }
        kept.extend(keep(row?)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(kept)
}
