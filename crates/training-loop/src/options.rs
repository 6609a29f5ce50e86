//! How a run deals with files, the terminal and interrupts; what it computes is in the config.

use std::path::PathBuf;

use crate::interrupt::Interrupt;

/// The log's file name within the output directory.
pub const LOG_FILE: &str = "log_history.jsonl";

/// The file of evaluations within the output directory.
pub const EVAL_FILE: &str = "eval_history.jsonl";
/// The directory of the best model within the output directory.
pub const BEST_MODEL_DIR: &str = "best-model";

/// Whether a progress bar is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// A bar on stderr, if stderr is a terminal.
    #[default]
    Bar,
    /// No bar.
    Hidden,
}

/// How a run deals with files, the terminal and interrupts.
///
/// ```
/// use training_loop::TrainerOptions;
///
/// let options = TrainerOptions::new().with_name("student").with_resume(true);
/// assert!(options.output_dir.is_none() && options.resume);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TrainerOptions {
    /// Where `checkpoint-N/` and `log_history.jsonl` go; made if missing. None: nothing is
    /// written.
    pub output_dir: Option<PathBuf>,
    /// Go on from the latest checkpoint in `output_dir`; without one the run starts at step 0.
    pub resume: bool,
    /// Start anew in an `output_dir` that holds checkpoints, deleting these (and nothing else).
    pub overwrite_output_dir: bool,
    /// The progress bar.
    pub progress: Progress,
    /// Once requested, the step in hand is finished, a checkpoint is saved, and the run returns with
    /// [`interrupted`](crate::TrainReport::interrupted) set.
    pub interrupt: Interrupt,
    /// The run's name, for the bar and for messages.
    pub name: String,
}

impl TrainerOptions {
    /// The defaults: nothing is written, and a bar is drawn.
    pub fn new() -> Self {
        Self::default()
    }

    crate::setters! {
        with_output_dir: output_dir = into Option<PathBuf>;
        with_resume: resume = bool;
        with_overwrite_output_dir: overwrite_output_dir = bool;
        with_progress: progress = Progress;
        with_interrupt: interrupt = Interrupt;
        with_name: name = into String;
    }
}
