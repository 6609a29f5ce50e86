//! The output directory: made, proved writable, and searched for a checkpoint.

use std::fs;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::error::TrainError;
use crate::options::TrainerOptions;

/// Makes the output directory, proves that it can be written, and gives the checkpoint to resume
/// from.
pub(crate) fn open(options: &TrainerOptions) -> Result<Option<Checkpoint>, TrainError> {
    let Some(dir) = &options.output_dir else {
        return Ok(None);
    };
    writable(dir)?;
    let checkpoints = Checkpoint::list(dir)?;
    if options.resume {
        return Ok(checkpoints.into_iter().next_back());
    }
    match checkpoints.last() {
        Some(last) if !options.overwrite_output_dir => Err(TrainError::OutputDirInUse {
            path: dir.clone(),
            checkpoint: format!("checkpoint-{}", last.step),
        }),
        _ => checkpoints
            .iter()
            .try_for_each(Checkpoint::delete)
            .map(|()| None),
    }
}

fn writable(dir: &Path) -> Result<(), TrainError> {
    fs::create_dir_all(dir)
        .and_then(|()| tempfile::tempfile_in(dir))
        .map(drop)
        .map_err(|source| TrainError::OutputDir {
            path: dir.to_owned(),
            source,
        })
}
