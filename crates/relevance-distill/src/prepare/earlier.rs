//! A preparation that an earlier one is extended by.

use std::collections::BTreeMap;
use std::path::Path;

use relevance_data::{DataError, LabeledPair, PairSource, SourceConfig};
use serde::Deserialize;

use super::config::PrepareConfig;
use super::report::PartSummary;
use super::source::NamedPairs;
use crate::error::DistillError;
use crate::json_file::read_json;

/// The parts that an earlier run left in its folder.
pub(super) fn earlier_parts(
    folder: &Path,
    config: &PrepareConfig,
) -> Result<NamedPairs, DistillError> {
    #[derive(Deserialize)]
    struct Earlier {
        parts: BTreeMap<String, PartSummary>,
    }
    let earlier: Earlier = read_json(&folder.join("report.json"))?;
    let source = SourceConfig::default();
    let mut parts = NamedPairs::new();
    for (name, part) in earlier.parts {
        if !config.parts.contains(&name) {
            let allowed = format!("names with {name:?} among them, which the earlier run has");
            return Err(DistillError::invalid(
                "parts",
                config.parts.join(","),
                allowed,
            ));
        }
        let pairs = PairSource::open(folder.join(part.file), &source, &config.schema)?;
        let pairs = pairs.map(|pair| Ok(pair?.labeled()));
        let pairs: Result<Vec<Option<LabeledPair>>, DataError> = pairs.collect();
        parts.insert(name, pairs?.into_iter().flatten().collect());
    }
    Ok(parts)
}
