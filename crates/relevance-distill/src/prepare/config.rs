//! What a preparation is told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use relevance_data::LabelSchema;
use relevance_data::cleaning::CleanConfig;
use relevance_data::sources::TableFormat;
use serde::{Deserialize, Serialize};

use super::parts::{Dealing, deal};
use super::source::{NamedPairs, Source};
use crate::error::DistillError;

/// Everything that decides what comes out.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareConfig {
    /// Where judgments come from.
    pub source: Source,
    /// How labels are read.
    pub schema: LabelSchema,
    /// What is cleaned, and how.
    pub clean: CleanConfig,
    /// How pairs become parts.
    pub dealing: Dealing,
    /// The names of the parts.
    pub parts: Vec<String>,
    /// Their expected sizes, as shares.
    pub fractions: Vec<f64>,
    /// Extension of the files: csv, tsv, jsonl, each also with .gz or .zst, or parquet.
    pub extension: String,
    /// Seed of the deal.
    pub seed: u64,
    /// The folder of an earlier run whose queries stay in their parts; for a stratified deal.
    pub extend: Option<PathBuf>,
}

impl PrepareConfig {
    /// Judgments from `source`: cleaned in the default way, dealt 80 : 10 : 10 by a hash into `train`,
    /// `dev` and `test`, written as JSON Lines.
    pub fn new(source: Source, schema: LabelSchema) -> Self {
        Self {
            source,
            schema,
            clean: CleanConfig::default(),
            dealing: Dealing::Hash,
            parts: ["train", "dev", "test"].map(str::to_owned).into(),
            fractions: vec![0.8, 0.1, 0.1],
            extension: "jsonl".into(),
            seed: 42,
            extend: None,
        }
    }

    /// Checks what would otherwise fail only after everything has been read.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`] or [`DistillError::Data`] names the setting.
    pub fn validate(&self) -> Result<(), DistillError> {
        TableFormat::of(Path::new(&format!("part.{}", self.extension)))?;
        let distinct: BTreeSet<&String> = self.parts.iter().collect();
        let usable = |name: &String| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_".contains(c))
        };
        if distinct.len() != self.parts.len() || !self.parts.iter().all(usable) {
            let allowed = "different names of letters, digits, - and _";
            return Err(DistillError::invalid(
                "parts",
                self.parts.join(","),
                allowed,
            ));
        }
        // Dealing nothing checks the fractions.
        deal(
            NamedPairs::new(),
            self.dealing,
            &self.parts,
            &self.fractions,
            self.seed,
            &NamedPairs::new(),
        )?;
        if self.extend.is_some() && self.dealing != Dealing::Stratified {
            let allowed = "with a stratified split only: a hash moves nothing anyway, and named parts are \
                           the data's own";
            return Err(DistillError::invalid("extend", "a folder", allowed));
        }
        Ok(self.clean.near_duplicate.validate()?)
    }
}
