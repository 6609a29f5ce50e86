//! Both stages of the distillation, from real pairs to an evaluated student.
//!
//! A [`Pipeline`] is a run in its folder: it reads the pairs ([`Parts`]), puts the [`stages`] in order, and
//! keeps in the [`Manifest`] what they found, so that a run which was stopped goes on where it was. Each
//! stage stands by itself, too: a type with what it reads and where its output goes, given a
//! [`StageContext`].
//!
//! The files of a run ([`RunFolder`]) are described in `docs/DATA.md`.

mod artifacts;
mod config;
mod input_files;
mod manifest;
mod options;
mod order;
mod parts;
mod peak_memory;
mod preflight;
mod presets;
mod replies_file;
mod run;
mod run_folder;
mod stage;
mod stage_context;
pub mod stages;
mod student_config;
mod systems;
mod teacher_config;

pub use artifacts::{
    AnnotationsFile, CasesFile, MetricsFile, PreferencesFile, RewardHeadsFolder, StudentFolder,
    TeacherFolder,
};
pub use config::{DataConfig, PipelineConfig, Preset};
pub use input_files::InputFile;
pub use manifest::{Facts, Manifest, StageRecord};
pub use options::PipelineOptions;
pub use parts::Parts;
pub use replies_file::{RepliesFile, SampledReplies};
pub use run::Pipeline;
pub use run_folder::RunFolder;
pub use stage::Stage;
pub use stage_context::{StageContext, TrainingFacts};
pub use student_config::{Reasons, StudentConfig};
pub use systems::Systems;
pub use teacher_config::TeacherConfig;
