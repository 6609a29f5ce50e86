//! The recipe, stage by stage. Each stage reads what earlier ones left in the output folder.

mod annotate;
mod evaluate;
mod preferences;
mod report;
mod students;
mod teacher;

use super::run::{Facts, Run};
use super::stage::Stage;
use crate::error::RunError;

pub use evaluate::{Systems, evaluate_student};

/// Runs one stage and tells what it found.
///
/// # Errors
///
/// Whatever the stage fails with; [`RunError::Interrupted`] if the run was told to stop.
pub fn run(run: &Run, stage: Stage) -> Result<Facts, RunError> {
    match stage {
        Stage::Pretrain => teacher::pretrain(run),
        Stage::Sft => teacher::sft(run),
        Stage::Preferences => preferences::sample_and_pair(run),
        Stage::RewardHeads => preferences::train_heads(run),
        Stage::Dpo => teacher::dpo(run),
        Stage::Annotate => annotate::annotate(run),
        Stage::StudentCe => students::cross_entropy(run),
        Stage::StudentCrsd => students::crsd(run),
        Stage::Evaluate => evaluate::evaluate(run),
        Stage::Report => report::report(run),
    }
}
