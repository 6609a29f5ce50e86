//! The best model so far: a directory beside the checkpoints, or in memory where nothing is written.

use std::fs;
use std::path::{Path, PathBuf};

use atomic_files::AtomicFolder;
use burn::module::Module;
use burn::store::ModuleRecord;
use serde::{Deserialize, Serialize};

use crate::checkpoint::MODEL_FILE;
use crate::checksums::{self, CHECKSUM_FILE};
use crate::error::TrainError;
use crate::evaluation::BestModel;
use crate::log::ExactF64;
use crate::options::BEST_MODEL_DIR;

const STATE_FILE: &str = "best.json";

/// Whether a file in the best model's folder is one that is written here.
pub(crate) fn is_ours(name: &str) -> bool {
    [MODEL_FILE, STATE_FILE, CHECKSUM_FILE].contains(&name)
}

/// Where the best model is kept.
pub(crate) enum BestModelStore {
    /// `DIR/best-model`, whole or not there.
    Disk(PathBuf),
    /// Nothing is written.
    Memory(Option<ModuleRecord>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    step: usize,
    metric: String,
    value: ExactF64,
}

impl BestModelStore {
    pub(crate) fn new(output_dir: Option<&Path>) -> Self {
        match output_dir {
            Some(dir) => Self::Disk(dir.join(BEST_MODEL_DIR)),
            None => Self::Memory(None),
        }
    }

    pub(crate) fn save<M: Module>(
        &mut self,
        model: &M,
        best: &BestModel,
    ) -> Result<(), TrainError> {
        let record = model.clone().into_record();
        let dir = match self {
            Self::Memory(kept) => {
                *kept = Some(record);
                return Ok(());
            }
            Self::Disk(dir) => dir,
        };
        let folder = AtomicFolder::create(dir, is_ours)?;
        let file = folder.path().join(MODEL_FILE);
        record
            .save(&file)
            .map_err(|e| TrainError::damaged(&file, e))?;
        let state = State {
            step: best.step,
            metric: best.metric.clone(),
            value: ExactF64::new(best.value),
        };
        let file = folder.path().join(STATE_FILE);
        let json = serde_json::to_vec_pretty(&state)
            .expect("the state is plain data: a bug in training-loop");
        fs::write(&file, json).map_err(|source| TrainError::Io { path: file, source })?;
        checksums::seal(folder.path())?;
        Ok(folder.commit()?)
    }

    /// The model that was saved on disk, if any.
    pub(crate) fn saved(&self) -> Result<Option<BestModel>, TrainError> {
        let Self::Disk(dir) = self else {
            return Ok(None);
        };
        let path = dir.join(STATE_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read(&path).map_err(|source| TrainError::Io {
            path: path.clone(),
            source,
        })?;
        let state: State =
            serde_json::from_slice(&text).map_err(|e| TrainError::damaged(&path, e))?;
        Ok(Some(BestModel {
            step: state.step,
            metric: state.metric,
            value: state.value.get(),
        }))
    }

    /// `model` with the parameters of the best one.
    pub(crate) fn load<M: Module>(self, model: M) -> Result<M, TrainError> {
        let (path, record) = match self {
            Self::Disk(dir) => {
                checksums::verify(&dir)?;
                let path = dir.join(MODEL_FILE);
                let record =
                    ModuleRecord::load(&path).map_err(|e| TrainError::damaged(&path, e))?;
                (path, record)
            }
            Self::Memory(Some(record)) => (PathBuf::from("memory"), record),
            Self::Memory(None) => return Ok(model),
        };
        model
            .try_load_record(record)
            .map_err(|e| TrainError::damaged(&path, e))
    }

    pub(crate) fn delete(&self) -> Result<(), TrainError> {
        match self {
            Self::Disk(dir) if dir.exists() => {
                fs::remove_dir_all(dir).map_err(|source| TrainError::Io {
                    path: dir.clone(),
                    source,
                })
            }
            _ => Ok(()),
        }
    }
}
