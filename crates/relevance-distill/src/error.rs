//! Why a stage, a grid or a preparation stopped.

use std::path::PathBuf;

/// Why a stage, a grid or a preparation stopped. Every message is one line that says where and what was
/// allowed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DistillError {
    /// A folder could not be read or made, or a stream broke.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, folder or stream.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] atomic_files::FileError),
    /// A JSON file does not hold what it should.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// The folder of the data is not there, or is not ESCI's.
    #[error(
        "no file {} in the data folder {}; give a folder with the two official ESCI files (a sample lies \
         in examples/data of the repository)",
        file,
        folder.display()
    )]
    MissingData {
        /// The folder that was asked for.
        folder: PathBuf,
        /// The first file that it lacks.
        file: &'static str,
    },
    /// A setting, or an option of the command line, is out of range.
    #[error("`{field}` is {value}, allowed: {allowed}")]
    InvalidConfig {
        /// The field's path or the option's name.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// The settings of a stage, as its own crate checks them, are out of range.
    #[error("{part}: {source}")]
    InvalidPart {
        /// The part's place in the configuration.
        part: &'static str,
        /// Which setting, and what is allowed.
        source: Box<dyn std::error::Error + Send + Sync>,
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
    /// A stage was asked for before one whose files it reads.
    #[error("stage {stage} needs stage {needs}, which is not finished in this run folder")]
    StageOrder {
        /// The stage that was asked for.
        stage: &'static str,
        /// The first earlier stage that is not finished.
        needs: &'static str,
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

impl DistillError {
    /// A value out of range.
    pub(crate) fn invalid(
        field: &'static str,
        value: impl ToString,
        allowed: impl Into<String>,
    ) -> Self {
        Self::InvalidConfig {
            field,
            value: value.to_string(),
            allowed: allowed.into(),
        }
    }

    /// Names the part of the configuration that its own crate refused.
    pub(crate) fn part<E: std::error::Error + Send + Sync + 'static>(
        part: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::InvalidPart {
            part,
            source: Box::new(source),
        }
    }

    /// Names the folder or stream that the system refused.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
