//! What a stage needs besides its inputs and its settings.

use std::path::PathBuf;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use training_loop::{Interrupt, TrainReport, TrainerOptions};

use super::stage::Stage;
use crate::error::DistillError;

/// Where a stage computes, where it keeps what it may have to go on from, and when it stops.
#[derive(Clone, Debug)]
pub struct StageContext {
    /// Which stage it is; names the progress bar.
    pub stage: Stage,
    /// The burn device, without autodiff.
    pub device: Device,
    /// Where checkpoints and the log go.
    pub folder: PathBuf,
    /// Seed of everything random in the stage.
    pub seed: u64,
    /// Once requested, the stage stops after the step in hand.
    pub interrupt: Interrupt,
}

/// What every training stage tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingFacts {
    /// Optimiser steps.
    pub steps: usize,
    /// The first loss in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_loss: Option<f64>,
    /// The last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_loss: Option<f64>,
}

impl StageContext {
    /// How a trainer of this stage deals with files and interrupts. It always goes on from its own
    /// latest checkpoint: a stage that runs again is one that was cut off.
    pub fn trainer_options(&self) -> TrainerOptions {
        TrainerOptions::new()
            .with_output_dir(self.folder.clone())
            .with_resume(true)
            .with_interrupt(self.interrupt.clone())
            .with_name(self.stage.name())
    }

    /// Fails if the stage was told to stop.
    ///
    /// # Errors
    ///
    /// [`DistillError::Interrupted`].
    pub fn check_interrupt(&self) -> Result<(), DistillError> {
        match self.interrupt.is_requested() {
            true => Err(self.interrupted()),
            false => Ok(()),
        }
    }

    /// The error of a stage that was told to stop.
    pub fn interrupted(&self) -> DistillError {
        DistillError::Interrupted {
            stage: format!("stage {}", self.stage),
        }
    }

    /// What a training run of this stage tells.
    ///
    /// # Errors
    ///
    /// [`DistillError::Interrupted`] if it was told to stop.
    pub fn finished<M>(&self, report: &TrainReport<M>) -> Result<TrainingFacts, DistillError> {
        if report.interrupted {
            return Err(self.interrupted());
        }
        self.check_interrupt()?;
        let log = &report.log_history;
        Ok(TrainingFacts {
            steps: report.global_step,
            first_loss: log.first().map(|entry| entry.loss),
            last_loss: log.last().map(|entry| entry.loss),
        })
    }
}
