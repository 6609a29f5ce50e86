//! One cell with one seed: trained, scored, and kept, so that a run can be taken up again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use atomic_files::AtomicFile;
use burn::tensor::Device;
use relevance_data::LabeledPair;
use serde::{Deserialize, Serialize};
use student_model::{Student, StudentExample, StudentTrainConfig, train_student};
use training_loop::{Interrupt, TrainerOptions, TrainingConfig};

use super::grid::Cell;
use crate::error::DistillError;
use crate::evaluation::student_probabilities;
use crate::json_file::read_json;
use crate::pretrained::{lengths, pretrained};

const RESULT_FILE: &str = "result.json";

/// The budget, the same for every cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Optimiser steps. Default 200.
    pub max_steps: usize,
    /// Pairs a batch. Default 32.
    pub train_batch_size: usize,
    /// Peak learning rate. Default 5e-5.
    pub learning_rate: f64,
    /// Tokens of the plain view at most. Default 64.
    pub max_length: usize,
    /// Tokens of the reasoned view at most. Default 128.
    pub max_reasoned_length: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_steps: 200,
            train_batch_size: 32,
            learning_rate: 5e-5,
            max_length: 64,
            max_reasoned_length: 128,
        }
    }
}

impl Budget {
    /// Checks every value, as every cell will use it.
    ///
    /// # Errors
    ///
    /// The student's own error names the setting.
    pub fn validate(&self, cells: &[Cell]) -> Result<(), DistillError> {
        lengths(self.max_length, self.max_reasoned_length).validate()?;
        for cell in cells {
            self.train_config(cell, 0).validate()?;
        }
        Ok(())
    }

    fn train_config(&self, cell: &Cell, seed: u64) -> StudentTrainConfig {
        let training = TrainingConfig::new()
            .with_learning_rate(self.learning_rate)
            .with_max_steps(self.max_steps)
            .with_logging_steps((self.max_steps / 10).max(1))
            .with_save_steps((self.max_steps / 4).max(1))
            .with_save_total_limit(1)
            .with_seed(seed);
        StudentTrainConfig::new()
            .with_training(training)
            .with_objective(cell.objective.clone())
            .with_train_batch_size(self.train_batch_size)
            .with_negatives(cell.negatives)
    }
}

/// What a cell with one seed left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CellResult {
    /// Everything that decides the result, as JSON; compared when a run is taken up again.
    pub settings: String,
    /// Seconds of training and scoring.
    pub seconds: f64,
    /// Mean loss of the last logged steps.
    pub last_loss: f64,
    /// Class distribution of each test pair.
    pub probabilities: Vec<Vec<f64>>,
}

/// What all cells share.
#[derive(Debug)]
pub(super) struct CellRunner<'a> {
    /// The encoder that every cell starts from.
    pub(super) init: &'a Path,
    /// The layers of it that every cell keeps; all if empty.
    pub(super) layers: &'a [usize],
    /// Names of the classes.
    pub(super) classes: Vec<String>,
    /// Gains of the classes.
    pub(super) gains: Vec<f64>,
    /// Test pairs.
    pub(super) test: &'a [LabeledPair],
    /// The budget.
    pub(super) budget: Budget,
    /// What identifies the training and test pairs.
    pub(super) data_hash: String,
    /// Output folder.
    pub(super) out: PathBuf,
    /// Where to compute.
    pub(super) device: Device,
    /// Once requested, the run stops after the step in hand.
    pub(super) interrupt: Interrupt,
}

impl CellRunner<'_> {
    /// The folder of a cell with one seed.
    fn folder(&self, cell: &Cell, seed: u64) -> PathBuf {
        self.out
            .join("cells")
            .join(format!("{}-seed{seed}", cell.id))
    }

    fn settings(&self, cell: &Cell, seed: u64) -> String {
        let mut settings = serde_json::json!({
            "cell": cell,
            "seed": seed,
            "budget": self.budget,
            "data": self.data_hash,
        });
        // Absent where all are kept, as in grids from before there was a choice.
        if !self.layers.is_empty() {
            settings["layers"] = self.layers.into();
        }
        settings.to_string()
    }

    /// The result of a cell that is done already.
    ///
    /// # Errors
    ///
    /// The file cannot be read; [`DistillError::ResumeMismatch`] if it belongs to other settings.
    pub(super) fn finished(
        &self,
        cell: &Cell,
        seed: u64,
    ) -> Result<Option<CellResult>, DistillError> {
        let path = self.folder(cell, seed).join(RESULT_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let result: CellResult = read_json(&path)?;
        let now = self.settings(cell, seed);
        if result.settings != now {
            return Err(DistillError::ResumeMismatch {
                field: format!("cells/{}-seed{seed}", cell.id),
                before: result.settings,
                now,
            });
        }
        Ok(Some(result))
    }

    /// Trains and scores a cell; what an interrupted call did is not done again.
    ///
    /// # Errors
    ///
    /// Whatever training or scoring fails with; [`DistillError::Interrupted`].
    pub(super) fn run(
        &self,
        cell: &Cell,
        seed: u64,
        examples: &[StudentExample],
    ) -> Result<CellResult, DistillError> {
        let started = Instant::now();
        let folder = self.folder(cell, seed);
        let budget = &self.budget;
        let lengths = lengths(budget.max_length, budget.max_reasoned_length);
        let (model, tokenizer) = pretrained(
            self.init,
            &self.classes,
            lengths,
            self.layers,
            seed,
            &self.device,
        )?;
        let config = budget.train_config(cell, seed);
        let name = format!("{} seed {seed}", cell.id);
        let options = TrainerOptions::new()
            .with_output_dir(folder.join("checkpoints"))
            .with_resume(true)
            .with_interrupt(self.interrupt.clone())
            .with_name(&name);
        let report = train_student(model, &tokenizer, examples, &config, options)?;
        if report.interrupted {
            let stage = format!("cell {name}");
            return Err(DistillError::Interrupted { stage });
        }
        let student = Student::new(&report.model, tokenizer, &self.gains)?;
        let probabilities = student_probabilities(&student, self.test)?;
        let result = CellResult {
            settings: self.settings(cell, seed),
            probabilities: probabilities.outer_iter().map(|row| row.to_vec()).collect(),
            last_loss: report
                .log_history
                .last()
                .map_or(f64::NAN, |entry| entry.loss),
            seconds: started.elapsed().as_secs_f64(),
        };
        let path = folder.join(RESULT_FILE);
        // On one line: a number a line would make a long file of the probabilities.
        let json = serde_json::to_string(&result).map_err(|source| DistillError::Json {
            path: path.clone(),
            source,
        })?;
        AtomicFile::write(&path, json)?;
        // The scores are all that the table needs.
        let checkpoints = folder.join("checkpoints");
        fs::remove_dir_all(&checkpoints).map_err(DistillError::io(checkpoints.clone()))?;
        Ok(result)
    }
}
