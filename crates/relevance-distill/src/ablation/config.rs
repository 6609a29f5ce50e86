//! What a grid is told.

use serde::{Deserialize, Serialize};

use super::cell_run::Budget;
use super::grid::{Cell, grid, select};
use crate::check::at_least_1;
use crate::error::DistillError;

/// Every knob of a grid.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AblationConfig {
    /// Cells to run, by their names; all if empty.
    pub cells: Vec<String>,
    /// How many seeds each cell has. Default 3.
    pub seeds: u64,
    /// The first of them. Default 1.
    pub seed: u64,
    /// Locales to keep; all if empty.
    pub locales: Vec<String>,
    /// At most this many training pairs, in whole queries.
    pub max_train_pairs: Option<usize>,
    /// Layers of the encoder to keep; all if empty.
    pub layers: Vec<usize>,
    /// The same for every cell.
    pub budget: Budget,
    /// InfoNCE's τ. Default 0.05.
    pub temperature: f64,
    /// Weight λ of the alignment. Default 0.1.
    pub lambda: f64,
    /// Resamples of the bootstrap over queries. Default 2,000.
    pub bootstrap_samples: usize,
}

impl Default for AblationConfig {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            seeds: 3,
            seed: 1,
            locales: Vec::new(),
            max_train_pairs: None,
            layers: Vec::new(),
            budget: Budget::default(),
            temperature: 0.05,
            lambda: 0.1,
            bootstrap_samples: 2_000,
        }
    }
}

impl AblationConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`], or the student's own error, names the setting.
    pub fn validate(&self) -> Result<(), DistillError> {
        at_least_1([
            ("seeds", usize::try_from(self.seeds).unwrap_or(usize::MAX)),
            ("bootstrap_samples", self.bootstrap_samples),
            ("max_train_pairs", self.max_train_pairs.unwrap_or(1)),
        ])?;
        self.budget.validate(&self.chosen_cells()?)
    }

    /// The cells that are run, in the order of the grid.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`] names a cell that is not in the grid.
    pub fn chosen_cells(&self) -> Result<Vec<Cell>, DistillError> {
        select(grid(self.temperature, self.lambda), &self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_named() {
        AblationConfig::default().validate().expect("the defaults");
        let refused = |change: fn(&mut AblationConfig)| {
            let mut config = AblationConfig::default();
            change(&mut config);
            config.validate().expect_err("out of range").to_string()
        };
        assert_eq!(
            refused(|c| c.seeds = 0),
            "`seeds` is 0, allowed: at least 1"
        );
        assert!(refused(|c| c.cells = vec!["z".into()]).contains("`cells` is `z`, allowed: a, b"));
        assert!(refused(|c| c.budget.train_batch_size = 0).contains("train_batch_size"));
        assert!(refused(|c| c.temperature = 0.0).contains("temperature"));
    }
}
