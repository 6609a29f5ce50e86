//! What can be known to fail before the first stage runs.

use std::path::Path;

use burn::tensor::Device;
use causal_lm::{CausalLm, LmTokenizer};
use relevance_data::LabelSchema;

use super::config::TwoStageConfig;
use super::run::RunOptions;
use crate::error::RunError;
use crate::pretrained::{lengths, pretrained};

/// Loads the checkpoints that the stages start from and checks every training configuration, so that
/// a fault of the last stage is not found after the hour of the first ones.
///
/// # Errors
///
/// A checkpoint cannot be read or does not fit; a training value is out of range.
pub(super) fn check(
    options: &RunOptions,
    schema: &LabelSchema,
    device: &Device,
) -> Result<(), RunError> {
    check_training(&options.config)?;
    if let Some(folder) = &options.teacher_init {
        check_teacher(folder, device)?;
    }
    if let Some(folder) = &options.student_init {
        let settings = &options.config.student;
        let lengths = lengths(settings.max_length, settings.max_reasoned_length);
        pretrained(
            folder,
            &schema.names(),
            lengths,
            &settings.layers,
            options.config.seed,
            device,
        )?;
    }
    Ok(())
}

fn check_teacher(folder: &Path, device: &Device) -> Result<(), RunError> {
    CausalLm::from_dir(folder, device)?;
    LmTokenizer::from_dir(folder)?;
    Ok(())
}

fn check_training(config: &TwoStageConfig) -> Result<(), RunError> {
    let teacher = &config.teacher;
    let stages = [
        ("teacher.pretrain", &teacher.pretrain),
        ("teacher.sft", &teacher.sft),
        ("teacher.reward_heads", &teacher.reward_heads),
        ("teacher.dpo", &teacher.dpo),
        ("student.training", &config.student.training),
    ];
    for (stage, training) in stages {
        let checked = training.validate();
        checked.map_err(|source| RunError::Training { stage, source })?;
    }
    Ok(())
}
