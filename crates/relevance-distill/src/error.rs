//! Why a recipe stopped.

use std::path::PathBuf;

/// Why a recipe stopped. Every message is one line that says where and what was allowed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A JSON file does not hold what it should.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// A training setting of a stage is out of range.
    #[error("{stage}: {source}")]
    Training {
        /// The stage's place in the configuration.
        stage: &'static str,
        /// Which setting, and what is allowed.
        source: training_loop::TrainError,
    },
    /// The output folder holds a run already.
    #[error("{} holds a run already; give --resume to go on with it, or another --out", out.display())]
    OutputExists {
        /// The output folder.
        out: PathBuf,
    },
    /// `--resume` was given but the configuration is another one.
    #[error(
        "cannot resume: `{field}` was {before} and is now {now}; give the same options or another --out"
    )]
    ResumeMismatch {
        /// The field's path.
        field: String,
        /// Its value in the manifest.
        before: String,
        /// Its value now.
        now: String,
    },
    /// An option has a value that makes no sense.
    #[error("`{option}` is {value}; allowed: {allowed}")]
    Option {
        /// The option or field.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A part of the data is empty.
    #[error("the {part} part of the data is empty: {hint}")]
    EmptyPart {
        /// Which part.
        part: &'static str,
        /// What to change.
        hint: String,
    },
    /// The run was interrupted and can be resumed.
    #[error("interrupted in {stage}; the same command with --resume goes on from here")]
    Interrupted {
        /// The stage or cell that was running.
        stage: String,
    },
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] crate::device::DeviceError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] atomic_files::FileError),
    /// Data or their files.
    #[error(transparent)]
    Data(#[from] relevance_data::DataError),
    /// A pair tokenizer could not be read or applied.
    #[error(transparent)]
    Tokens(#[from] pair_tokenizer::PairTokenizerError),
    /// Evaluation.
    #[error(transparent)]
    Eval(#[from] relevance_eval::EvalError),
    /// The decoder.
    #[error(transparent)]
    Lm(#[from] causal_lm::CausalLmError),
    /// The teacher.
    #[error(transparent)]
    Teacher(#[from] teacher_train::TeacherError),
    /// Reward dimensions, heads and pairs.
    #[error(transparent)]
    Reward(#[from] reward_model::RewardError),
    /// Preference optimisation.
    #[error(transparent)]
    Preference(#[from] preference_opt::PreferenceError),
    /// The student.
    #[error(transparent)]
    Student(#[from] student_model::StudentError),
    /// The report page.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
}
