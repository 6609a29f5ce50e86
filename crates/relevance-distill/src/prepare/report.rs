//! What preparing did, as JSON and Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use relevance_data::cleaning::CleanReport;
use relevance_data::{LabelSchema, LabeledPair, RowReport, SplitLeakage, normalize_query};
use serde::{Deserialize, Serialize};

use super::source::NamedPairs;

/// What preparing did.
#[derive(Clone, Debug, Serialize)]
pub struct PrepareReport {
    /// The command as typed.
    pub command: String,
    /// Rows that were read and passed over.
    pub rows: RowReport,
    /// What cleaning did, by the name that the data gave the part.
    pub cleaning: BTreeMap<String, CleanReport>,
    /// The parts.
    pub parts: BTreeMap<String, PartSummary>,
    /// Nearly equal queries in different parts.
    pub leakage: SplitLeakage,
}

/// A part in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSummary {
    /// The file, relative to the output folder.
    pub file: String,
    /// Its pairs.
    pub pairs: usize,
    /// Its normalised queries.
    pub queries: usize,
    /// Its pairs by label.
    pub labels: BTreeMap<String, usize>,
}

impl PartSummary {
    /// Counts a part.
    pub fn new(file: String, pairs: &[LabeledPair], schema: &LabelSchema) -> Self {
        let named = schema.labels().map(|label| {
            let count = pairs.iter().filter(|pair| pair.label == label).count();
            (schema.name(label).to_owned(), count)
        });
        let queries: BTreeSet<String> = pairs
            .iter()
            .map(|pair| normalize_query(&pair.pair.query.text))
            .collect();
        Self {
            file,
            pairs: pairs.len(),
            queries: queries.len(),
            labels: named.collect(),
        }
    }
}

/// The parts in numbers.
pub(super) fn summaries(
    parts: &NamedPairs,
    extension: &str,
    schema: &LabelSchema,
) -> BTreeMap<String, PartSummary> {
    let summary = |(name, pairs): (&String, &Vec<LabeledPair>)| {
        let file = format!("{name}.{extension}");
        (name.clone(), PartSummary::new(file, pairs, schema))
    };
    parts.iter().map(summary).collect()
}

impl PrepareReport {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# Prepared data\n\n`{}`\n\n## Parts\n\n", self.command);
        text += "| part | file | queries | pairs | labels |\n|---|---|---|---|---|\n";
        for (name, part) in &self.parts {
            let labels: Vec<String> = part
                .labels
                .iter()
                .map(|(label, count)| format!("{label} {count}"))
                .collect();
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} | {} |",
                part.file,
                part.queries,
                part.pairs,
                labels.join(", ")
            );
        }
        let _ = writeln!(
            text,
            "\nNo normalised query stands in two parts. Nearly equal queries in different parts: {} \
             groups.\n",
            self.leakage.near_duplicate_groups
        );
        for group in &self.leakage.examples {
            let queries: Vec<String> = group
                .iter()
                .map(|(query, part)| format!("{query:?} ({part})"))
                .collect();
            let _ = writeln!(text, "- {}", queries.join(", "));
        }
        let _ = writeln!(text, "\n## Rows\n\nRead: {}.", self.rows.read);
        for (fault, count) in &self.rows.skipped {
            let _ = writeln!(text, "Passed over, {fault:?}: {count}.");
        }
        for (name, cleaning) in &self.cleaning {
            let of = if name.is_empty() {
                String::new()
            } else {
                format!(" of {name}")
            };
            let _ = writeln!(text, "\n## Cleaning{of}\n\n{}", cleaning.markdown());
        }
        text
    }
}
