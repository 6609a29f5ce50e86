//! The output directory: made, proved writable, and searched for a checkpoint.

use std::fs;
use std::path::Path;

use crate::best_model;
use crate::checkpoint::{self, Checkpoint};
use crate::error::TrainError;
use crate::options::TrainerOptions;

/// Makes the output directory, proves that it can be written, and gives the checkpoints to resume
/// from, the latest first; none if the run starts anew.
pub(crate) fn open(options: &TrainerOptions) -> Result<Vec<Checkpoint>, TrainError> {
    let Some(dir) = &options.output_dir else {
        return Ok(Vec::new());
    };
    writable(dir)?;
    remove_leftovers(dir)?;
    let mut checkpoints = Checkpoint::list(dir)?;
    if options.resume {
        checkpoints.reverse();
        return Ok(checkpoints);
    }
    match checkpoints.last() {
        Some(last) if !options.overwrite_output_dir => Err(TrainError::OutputDirInUse {
            path: dir.clone(),
            checkpoint: format!("checkpoint-{}", last.step),
        }),
        _ => checkpoints
            .iter()
            .try_for_each(Checkpoint::delete)
            .map(|()| Vec::new()),
    }
}

/// Deletes what a killed process was writing: folders of [`atomic_files::AtomicFolder`] that hold
/// nothing but parts of a checkpoint. They are as large as one, and nobody will finish them.
fn remove_leftovers(dir: &Path) -> Result<(), TrainError> {
    let names = |dir: &Path| -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    };
    let leftovers = names(dir)
        .into_iter()
        .filter(|name| name.starts_with(".writing-"));
    for path in leftovers
        .map(|name| dir.join(name))
        .filter(|path| path.is_dir())
    {
        let parts = names(&path);
        let unfinished = parts
            .iter()
            .all(|part| ["new", "old"].contains(&part.as_str()));
        let files = parts.iter().flat_map(|part| names(&path.join(part)));
        if unfinished && files.into_iter().all(|file| is_ours(&file)) {
            fs::remove_dir_all(&path).map_err(|source| TrainError::Io { path, source })?;
        }
    }
    Ok(())
}

/// Whether a file is part of a checkpoint or of the best model.
fn is_ours(name: &str) -> bool {
    checkpoint::is_ours(name) || best_model::is_ours(name)
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
