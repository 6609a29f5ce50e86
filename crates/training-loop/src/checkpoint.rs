//! Checkpoints: directories `checkpoint-N` that are either whole or not there.

use std::fs;
use std::path::{Path, PathBuf};

use atomic_files::AtomicFolder;
use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checksums::{self, CHECKSUM_FILE};
use crate::config::TrainingConfig;
use crate::error::TrainError;
use crate::evaluation::Evaluations;
use crate::log::{LogEntry, LogWindow};

pub(crate) const MODEL_FILE: &str = "model.bpk";
const OPTIMIZER_FILE: &str = "optimizer.bpk";
const STATE_FILE: &str = "trainer_state.json";
const TASK_FILE: &str = "task_state.bin";
const PREFIX: &str = "checkpoint-";

/// Whether a file in a checkpoint's folder is one that [`Checkpoint::save`] writes.
pub(crate) fn is_ours(name: &str) -> bool {
    let files = [
        MODEL_FILE,
        OPTIMIZER_FILE,
        STATE_FILE,
        TASK_FILE,
        CHECKSUM_FILE,
    ];
    files.contains(&name)
}

/// All of a run that is not a tensor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrainerState {
    pub(crate) global_step: usize,
    pub(crate) max_steps: usize,
    pub(crate) epoch: f64,
    pub(crate) name: String,
    pub(crate) num_batches: usize,
    /// Tensors in the optimizer's record; burn skips silently what it cannot read back.
    pub(crate) optimizer_tensors: usize,
    /// Bytes of the task's own state.
    #[serde(default)]
    pub(crate) task_state_bytes: usize,
    pub(crate) config: Value,
    pub(crate) task: Value,
    pub(crate) window: LogWindow,
    pub(crate) log_history: Vec<LogEntry>,
    pub(crate) evaluations: Evaluations,
}

/// A checkpoint on disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Checkpoint {
    pub(crate) step: usize,
    pub(crate) path: PathBuf,
}

impl Checkpoint {
    /// The checkpoints in `dir`, earliest first.
    pub(crate) fn list(dir: &Path) -> Result<Vec<Self>, TrainError> {
        let io = |source| TrainError::Io {
            path: dir.to_owned(),
            source,
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().and_then(|n| n.to_str());
            let step = name.and_then(|n| n.strip_prefix(PREFIX)?.parse().ok());
            if let Some(step) = step
                && path.join(STATE_FILE).is_file()
            {
                found.push(Self { step, path });
            }
        }
        found.sort();
        Ok(found)
    }

    /// Writes `dir/checkpoint-N`: everything goes to a folder beside it, is flushed to the disk, and
    /// then takes the name, in place of a checkpoint that has it already.
    pub(crate) fn save<M: Module>(
        dir: &Path,
        model: &M,
        optimizer: &ModuleOptimizer,
        task_state: &[u8],
        state: &mut TrainerState,
    ) -> Result<Self, TrainError> {
        let step = state.global_step;
        let path = dir.join(format!("{PREFIX}{step}"));
        let folder = AtomicFolder::create(&path, is_ours)?;
        let file = folder.path().join(MODEL_FILE);
        (model.clone().into_record().save(&file)).map_err(|e| TrainError::damaged(&file, e))?;
        let record = optimizer.to_record();
        state.optimizer_tensors = record.len();
        let file = folder.path().join(OPTIMIZER_FILE);
        record
            .save(&file)
            .map_err(|e| TrainError::damaged(&file, e))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).map_err(|source| TrainError::Io { path, source })
        };
        state.task_state_bytes = task_state.len();
        if !task_state.is_empty() {
            write(TASK_FILE, task_state)?;
        }
        let json = serde_json::to_vec_pretty(state)
            .expect("the trainer's state is plain data: a bug in training-loop");
        write(STATE_FILE, &json)?;
        checksums::seal(folder.path())?;
        folder.commit()?;
        Ok(Self { step, path })
    }

    /// Deletes all but the latest `keep` of those up to `step`. A later one was passed over as
    /// damaged: it counts for nothing, and is replaced once the run gets there.
    pub(crate) fn rotate(dir: &Path, step: usize, keep: Option<usize>) -> Result<(), TrainError> {
        let Some(keep) = keep else { return Ok(()) };
        let mut all = Self::list(dir)?;
        all.retain(|checkpoint| checkpoint.step <= step);
        let surplus = all.len().saturating_sub(keep);
        all.iter().take(surplus).try_for_each(Self::delete)
    }

    pub(crate) fn delete(&self) -> Result<(), TrainError> {
        fs::remove_dir_all(&self.path).map_err(|source| TrainError::Io {
            path: self.path.clone(),
            source,
        })
    }

    /// The state, unless a file of the checkpoint is damaged or it belongs to a run that computes
    /// something else.
    pub(crate) fn read_state(&self, current: &TrainerState) -> Result<TrainerState, TrainError> {
        checksums::verify(&self.path)?;
        let path = self.path.join(STATE_FILE);
        let text = fs::read(&path).map_err(|source| TrainError::Io {
            path: path.clone(),
            source,
        })?;
        let saved: TrainerState =
            serde_json::from_slice(&text).map_err(|e| TrainError::damaged(&path, e))?;
        // The other side takes the same way through JSON, so that equal numbers compare equal.
        let current = serde_json::to_vec(current)
            .and_then(|json| serde_json::from_slice::<TrainerState>(&json))
            .expect("the trainer's state is plain data: a bug in training-loop");
        let free = &TrainingConfig::FREE_TO_CHANGE;
        self.compare("", &saved.config, &current.config, free)?;
        self.compare("task.", &saved.task, &current.task, &[])?;
        let batches = [&saved, &current].map(|s| Value::from(s.num_batches));
        self.compare("num_batches", &batches[0], &batches[1], &[])?;
        Ok(saved)
    }

    /// Refuses the first field that differs; `prefix` names the whole if it is not an object.
    fn compare(
        &self,
        prefix: &str,
        saved: &Value,
        current: &Value,
        free: &[&str],
    ) -> Result<(), TrainError> {
        let mismatch = |field: String, saved: &Value, current: &Value| TrainError::ResumeMismatch {
            path: self.path.clone(),
            field,
            saved: saved.to_string(),
            current: current.to_string(),
        };
        let (Value::Object(old), Value::Object(new)) = (saved, current) else {
            return if saved == current {
                Ok(())
            } else {
                Err(mismatch(
                    prefix.trim_end_matches('.').into(),
                    saved,
                    current,
                ))
            };
        };
        for key in new.keys().chain(old.keys()) {
            let [was, is] = [old, new].map(|map| map.get(key).unwrap_or(&Value::Null));
            if was != is && !free.contains(&key.as_str()) {
                return Err(mismatch(format!("{prefix}{key}"), was, is));
            }
        }
        Ok(())
    }

    /// The parameters, with the ids they had: burn gives a new module random ids, and the
    /// optimizer's record is keyed by them, so the model is loaded first.
    pub(crate) fn load_model<M: Module>(&self, model: M) -> Result<M, TrainError> {
        let path = self.path.join(MODEL_FILE);
        ModuleRecord::load(&path)
            .and_then(|record| model.try_load_record(record))
            .map_err(|e| TrainError::damaged(&path, e))
    }

    /// The task's own state; empty if it has none.
    pub(crate) fn load_task_state(&self, state: &TrainerState) -> Result<Vec<u8>, TrainError> {
        if state.task_state_bytes == 0 {
            return Ok(Vec::new());
        }
        let path = self.path.join(TASK_FILE);
        let bytes = fs::read(&path).map_err(|source| TrainError::Io {
            path: path.clone(),
            source,
        })?;
        if bytes.len() != state.task_state_bytes {
            let (found, expected) = (bytes.len(), state.task_state_bytes);
            return Err(TrainError::damaged(
                &path,
                format!("{found} bytes, but {expected} were saved"),
            ));
        }
        Ok(bytes)
    }

    /// The moments.
    pub(crate) fn load_optimizer(
        &self,
        optimizer: ModuleOptimizer,
        state: &TrainerState,
    ) -> Result<ModuleOptimizer, TrainError> {
        let path = self.path.join(OPTIMIZER_FILE);
        let record = OptimizerRecord::load(&path).map_err(|e| TrainError::damaged(&path, e))?;
        if record.len() != state.optimizer_tensors {
            let (found, expected) = (record.len(), state.optimizer_tensors);
            return Err(TrainError::damaged(
                &path,
                format!("{found} tensors, but {expected} were saved"),
            ));
        }
        Ok(optimizer.load_record(record))
    }
}
