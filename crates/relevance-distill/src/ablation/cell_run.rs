//! One cell with one seed: trained, scored, and kept, so that a run can be taken up again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use atomic_files::AtomicFile;
use burn::tensor::Device;
use relevance_data::LabeledPair;
use serde::{Deserialize, Serialize};
use student_model::{StudentExample, StudentTrainConfig, predict, train_student};
use training_loop::{LrSchedulerType, TrainerOptions, TrainingConfig};

use super::grid::Cell;
use crate::error::RunError;
use crate::pretrained::{lengths, pretrained};

/// Test pairs scored at once.
const BATCH: usize = 32;
const RESULT_FILE: &str = "result.json";

/// The budget, the same for every cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Optimiser steps.
    pub max_steps: usize,
    /// Pairs a batch.
    pub batch_size: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Tokens of the plain view at most.
    pub max_length: usize,
    /// Tokens of the reasoned view at most.
    pub max_reasoned_length: usize,
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
pub struct CellRunner<'a> {
    /// The encoder that every cell starts from.
    pub init: &'a Path,
    /// The layers of it that every cell keeps; all if empty.
    pub layers: &'a [usize],
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Test pairs.
    pub test: &'a [LabeledPair],
    /// The budget.
    pub budget: Budget,
    /// What identifies the training and test pairs.
    pub data_hash: String,
    /// Output folder.
    pub out: PathBuf,
    /// Where to compute.
    pub device: Device,
    /// Once true, the run stops after the step in hand.
    pub interrupt: Arc<AtomicBool>,
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
    /// The file cannot be read; [`RunError::ResumeMismatch`] if it belongs to other settings.
    pub fn finished(&self, cell: &Cell, seed: u64) -> Result<Option<CellResult>, RunError> {
        let path = self.folder(cell, seed).join(RESULT_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|source| RunError::Io {
            path: path.clone(),
            source,
        })?;
        let result: CellResult =
            serde_json::from_str(&text).map_err(|source| RunError::Json { path, source })?;
        let now = self.settings(cell, seed);
        if result.settings != now {
            return Err(RunError::ResumeMismatch {
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
    /// Whatever training or scoring fails with; [`RunError::Interrupted`].
    pub fn run(
        &self,
        cell: &Cell,
        seed: u64,
        examples: &[StudentExample],
    ) -> Result<CellResult, RunError> {
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
        let config = StudentTrainConfig {
            training: TrainingConfig {
                learning_rate: budget.learning_rate,
                max_steps: Some(budget.max_steps),
                lr_scheduler_type: LrSchedulerType::Linear,
                logging_steps: (budget.max_steps / 10).max(1),
                save_steps: Some((budget.max_steps / 4).max(1)),
                save_total_limit: Some(1),
                seed,
                ..TrainingConfig::default()
            },
            objective: cell.objective.clone(),
            train_batch_size: budget.batch_size,
            negatives: cell.negatives,
            ..StudentTrainConfig::default()
        };
        let name = format!("{} seed {seed}", cell.id);
        let options = TrainerOptions {
            output_dir: Some(folder.join("checkpoints")),
            resume: true,
            interrupt: Some(Arc::clone(&self.interrupt)),
            name: name.clone(),
            ..TrainerOptions::default()
        };
        let report = train_student(model, &tokenizer, examples, &config, options)?;
        if report.interrupted {
            let stage = format!("cell {name}");
            return Err(RunError::Interrupted { stage });
        }
        let texts: Vec<String> = self.test.iter().map(|pair| pair.pair.item.text()).collect();
        let rows = self.test.iter().zip(&texts);
        let rows: Vec<_> = rows
            .map(|(pair, text)| (pair.pair.query.text.as_str(), text.as_str()))
            .collect();
        let probabilities = predict(&report.model, &tokenizer, &rows, BATCH)?;
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
        let json = serde_json::to_string(&result).map_err(|source| RunError::Json {
            path: path.clone(),
            source,
        })?;
        AtomicFile::write(&path, json)?;
        // The scores are all that the table needs.
        let checkpoints = folder.join("checkpoints");
        fs::remove_dir_all(&checkpoints).map_err(|source| RunError::Io {
            path: checkpoints,
            source,
        })?;
        Ok(result)
    }
}
