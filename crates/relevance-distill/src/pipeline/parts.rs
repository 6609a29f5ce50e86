//! The pairs of a run: read from the official ESCI files, and parted by query.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use relevance_data::{
    EsciFilter, LabelSchema, LabeledPair, QuerySplit, check_disjoint, normalize_query,
};
use serde_json::{Value, json};

use super::config::DataConfig;
use crate::error::DistillError;
use crate::esci_folder::open_esci;
use crate::whole_queries::{limit, queries};

/// The pairs of a run. No normalised query stands in two parts.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The label schema of all of them.
    pub schema: LabelSchema,
    /// Labelled pairs that the teacher learns from.
    pub teacher: Vec<LabeledPair>,
    /// Pairs of the search log: the teacher annotates them, the students learn from them.
    pub log: Vec<LabeledPair>,
    /// Pairs that only the evaluation sees.
    pub test: Vec<LabeledPair>,
}

impl Parts {
    /// Reads splits `train` and `test` of the two official files in `dir` and parts `train` by query.
    ///
    /// A part that is larger than its limit keeps whole queries, in the order of their hashes, until
    /// the limit is reached.
    ///
    /// # Errors
    ///
    /// The files cannot be read or hold something else than ESCI rows; a part is empty; a query of
    /// `train` stands in `test`, too.
    pub fn read(dir: &Path, config: &DataConfig, seed: u64) -> Result<Self, DistillError> {
        let dataset = open_esci(dir)?;
        let filter = |split: &str| {
            let filter = EsciFilter::split(split).with_small_version(config.small_version);
            match &config.locales {
                None => filter,
                Some(locales) => filter.with_locales(locales),
            }
        };
        let test = dataset.pairs(&filter("test"))?;
        let test_queries: BTreeSet<String> = queries(&test);
        let train: Vec<LabeledPair> = dataset
            .pairs(&filter("train"))?
            .into_iter()
            .filter(|pair| !test_queries.contains(&normalize_query(&pair.pair.query.text)))
            .collect();

        let fractions = vec![config.teacher_fraction, 1.0 - config.teacher_fraction];
        let mut halves = QuerySplit::new(fractions, seed)?.split(train).into_iter();
        let teacher = limit(
            halves.next().unwrap_or_default(),
            config.max_teacher_pairs,
            seed,
        );
        let log = limit(
            halves.next().unwrap_or_default(),
            config.max_log_pairs,
            seed,
        );
        let test = limit(test, config.max_test_pairs, seed);
        for (part, pairs) in [("teacher", &teacher), ("log", &log), ("test", &test)] {
            if pairs.is_empty() {
                return Err(DistillError::EmptyPart {
                    part,
                    hint: "give more data, another teacher_fraction or a higher limit".into(),
                });
            }
        }
        check_disjoint(&teacher, &log)?;
        check_disjoint(&teacher, &test)?;
        check_disjoint(&log, &test)?;
        Ok(Self {
            schema: LabelSchema::esci(),
            teacher,
            log,
            test,
        })
    }

    /// Pairs, queries and label counts of each part, for the manifest.
    pub fn summary(&self) -> BTreeMap<String, Value> {
        [
            ("teacher", &self.teacher),
            ("log", &self.log),
            ("test", &self.test),
        ]
        .into_iter()
        .map(|(name, pairs)| (name.to_string(), self.summary_of(pairs)))
        .collect()
    }

    fn summary_of(&self, pairs: &[LabeledPair]) -> Value {
        let labels: BTreeMap<&str, usize> = self
            .schema
            .labels()
            .map(|label| {
                let count = pairs.iter().filter(|pair| pair.label == label).count();
                (self.schema.name(label), count)
            })
            .collect();
        json!({"pairs": pairs.len(), "queries": queries(pairs).len(), "labels": labels})
    }
}
