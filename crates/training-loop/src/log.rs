//! The log: one entry every `logging_steps`, kept in memory and as JSON lines.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use atomic_files::AtomicFile;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// One entry of the log, under the keys of `transformers`' `log_history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Optimizer steps done.
    pub step: usize,
    /// Epochs done, as a fraction.
    pub epoch: f64,
    /// Mean loss of the optimizer steps since the entry before.
    pub loss: f64,
    /// Learning rate of the last of these steps.
    pub learning_rate: f64,
    /// L2 norm of the last step's gradient before clipping.
    pub grad_norm: f64,
    /// What the task warned of since the entry before, each text once; no key without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The task's metrics, each the mean over the batches since the entry before; and
    /// `{items}_per_second` (wall clock) if the task counts its items.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
}

/// Sums since the last entry. Part of a checkpoint, so that a resumed run logs the same means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogWindow {
    steps: usize,
    loss_sum: ExactF64,
    metrics: BTreeMap<String, (ExactF64, usize)>,
    #[serde(default)]
    warnings: Vec<String>,
}

/// An f64 that JSON gives back to the last bit: serde_json's default number parser may be off by
/// one unit in the last place, std's is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ExactF64(f64);

impl ExactF64 {
    pub(crate) fn new(value: f64) -> Self {
        Self(value)
    }

    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

impl From<ExactF64> for String {
    fn from(value: ExactF64) -> Self {
        format!("{:?}", value.0)
    }
}

impl TryFrom<String> for ExactF64 {
    type Error = std::num::ParseFloatError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl LogWindow {
    pub(crate) fn add_loss(&mut self, loss: f64) {
        self.steps += 1;
        self.loss_sum.0 += loss;
    }

    pub(crate) fn add_metric(&mut self, name: String, value: f64) {
        if value.is_finite() {
            let (sum, count) = self.metrics.entry(name).or_default();
            sum.0 += value;
            *count += 1;
        }
    }

    pub(crate) fn add_warning(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Mean loss and metrics, and the warnings; the window is empty afterwards.
    pub(crate) fn take(&mut self) -> (f64, BTreeMap<String, f64>, Vec<String>) {
        let window = std::mem::take(self);
        let mean = |sum: ExactF64, count: usize| sum.0 / count.max(1) as f64;
        let metrics = window.metrics.into_iter();
        (
            mean(window.loss_sum, window.steps),
            metrics.map(|(k, (sum, n))| (k, mean(sum, n))).collect(),
            window.warnings,
        )
    }
}

/// A JSON-lines file of entries beside the checkpoints.
#[derive(Debug)]
pub(crate) struct LogFile<E> {
    path: PathBuf,
    file: File,
    entries: PhantomData<fn(E)>,
}

impl<E: Serialize> LogFile<E> {
    /// Starts the file with the entries of the run that is resumed, or empty. What a stopped run
    /// wrote after its last checkpoint goes away: it will be computed again.
    pub(crate) fn start(dir: &Path, name: &str, history: &[E]) -> Result<Self, TrainError> {
        let path = dir.join(name);
        let lines: Vec<u8> = history.iter().flat_map(line).collect();
        AtomicFile::write(&path, lines)?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|source| TrainError::Io {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path,
            file,
            entries: PhantomData,
        })
    }

    /// Appends one line in one write.
    pub(crate) fn append(&mut self, entry: &E) -> Result<(), TrainError> {
        self.file
            .write_all(&line(entry))
            .map_err(|source| TrainError::Io {
                path: self.path.clone(),
                source,
            })
    }
}

fn line<E: Serialize>(entry: &E) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry)
        .expect("a log entry has string keys and finite numbers: a bug in training-loop");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exact_numbers_survive_json(value: f64) {
            prop_assume!(value.is_finite());
            let json = serde_json::to_string(&ExactF64(value)).unwrap();
            let back: ExactF64 = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(back.0.to_bits(), value.to_bits());
        }
    }

    #[test]
    fn the_mean_of_a_metric_leaves_out_undefined_values() {
        let mut window = LogWindow::default();
        window.add_loss(1.0);
        window.add_loss(3.0);
        window.add_metric("accuracy".into(), 0.5);
        window.add_metric("accuracy".into(), f64::NAN);
        window.add_warning("once".into());
        window.add_warning("once".into());
        let (loss, metrics, warnings) = window.take();
        assert_eq!((loss, metrics["accuracy"]), (2.0, 0.5));
        assert_eq!(warnings, ["once"]);
        assert_eq!(window, LogWindow::default());
    }
}
