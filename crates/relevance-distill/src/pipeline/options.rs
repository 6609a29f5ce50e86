//! What a run is told, beside its knobs.

use std::path::PathBuf;

use training_loop::Interrupt;

use super::config::PipelineConfig;
use crate::device::DeviceChoice;

/// What a run is told.
#[derive(Clone, Debug)]
pub struct PipelineOptions {
    /// Folder of the two official ESCI parquet files.
    pub data: PathBuf,
    /// Output folder.
    pub out: PathBuf,
    /// Where the student starts; from nothing if absent.
    pub student_init: Option<PathBuf>,
    /// Where the teacher starts; from nothing if absent.
    pub teacher_init: Option<PathBuf>,
    /// Every knob.
    pub config: PipelineConfig,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Go on with the run in `out`.
    pub resume: bool,
    /// The command as typed, for the report.
    pub command_line: String,
    /// Once requested, the run stops after the step in hand.
    pub interrupt: Interrupt,
}
