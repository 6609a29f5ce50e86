//! What happens to rows that cannot be used.

use crate::{DataError, RowFault};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many messages of each fault a report holds.
const EXAMPLES: usize = 5;

/// What happens to a row that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RowPolicy {
    /// Reading stops with the error.
    #[default]
    Fail,
    /// The row is counted and passed over. What makes the rest of a file unreadable, such as a
    /// truncated stream, is still an error.
    Skip,
}

/// How many rows were read and how many passed over, and why.
///
/// ```
/// use relevance_data::*;
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("judgments.csv");
/// std::fs::write(&path, "query,title,label\nusb cable,USB-C cable,E\nusb cable,Garden hose,none\n")?;
/// let columns = ColumnMap::new("query", "title").with_label("label");
/// let config = SourceConfig::new(columns).with_policy(RowPolicy::Skip);
/// let mut source = PairSource::open(&path, &config, &LabelSchema::esci())?;
/// assert_eq!(source.by_ref().count(), 1);
/// assert_eq!(source.report().skipped[&RowFault::UnknownLabel], 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowReport {
    /// Rows that were given out.
    pub read: usize,
    /// Rows that were passed over, by fault.
    pub skipped: BTreeMap<RowFault, usize>,
    /// The first messages of each fault.
    pub examples: BTreeMap<RowFault, Vec<String>>,
}

impl RowReport {
    /// Rows that were passed over.
    pub fn num_skipped(&self) -> usize {
        self.skipped.values().sum()
    }

    /// Adds what another reading of the same kind counted.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        for (fault, count) in &other.skipped {
            *self.skipped.entry(*fault).or_default() += count;
        }
        for (fault, messages) in &other.examples {
            let examples = self.examples.entry(*fault).or_default();
            examples.extend(messages.iter().cloned());
            examples.truncate(EXAMPLES);
        }
    }

    /// Counts a row under a policy. None for one that is passed over; after an error nothing may follow.
    pub(crate) fn settle<T>(
        &mut self,
        row: Result<T, DataError>,
        policy: RowPolicy,
    ) -> Option<Result<T, DataError>> {
        let error = match row {
            Ok(row) => {
                self.read += 1;
                return Some(Ok(row));
            }
            Err(error) => error,
        };
        match policy {
            RowPolicy::Fail => Some(Err(error)),
            RowPolicy::Skip => self.count(error).err().map(Err),
        }
    }

    /// Counts a row that is not given out if it is faulty; none for one that is passed over.
    #[cfg(feature = "parquet")]
    pub(crate) fn excuse<T>(
        &mut self,
        row: Result<T, DataError>,
        policy: RowPolicy,
    ) -> Result<Option<T>, DataError> {
        match (row, policy) {
            (Ok(row), _) => Ok(Some(row)),
            (Err(error), RowPolicy::Fail) => Err(error),
            (Err(error), RowPolicy::Skip) => self.count(error).map(|()| None),
        }
    }

    /// Counts the error of a row; gives back an error that is not of a single row.
    fn count(&mut self, error: DataError) -> Result<(), DataError> {
        let DataError::Row { fault, .. } = &error else {
            return Err(error);
        };
        let fault = *fault;
        *self.skipped.entry(fault).or_default() += 1;
        let examples = self.examples.entry(fault).or_default();
        if examples.len() < EXAMPLES {
            examples.push(error.to_string());
        }
        Ok(())
    }
}
