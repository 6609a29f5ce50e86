//! What can be known to fail before the first stage runs.

use std::path::Path;

use burn::tensor::Device;
use causal_lm::{CausalLm, LmTokenizer};
use relevance_data::LabelSchema;

use super::config::PipelineConfig;
use crate::error::DistillError;
use crate::pretrained::pretrained;

/// Loads the checkpoints that the stages start from, so that a fault of the last stage is not found
/// after the hour of the first ones.
///
/// # Errors
///
/// A checkpoint cannot be read or does not fit.
pub(super) fn check_checkpoints(
    teacher_init: Option<&Path>,
    student_init: Option<&Path>,
    config: &PipelineConfig,
    schema: &LabelSchema,
    device: &Device,
) -> Result<(), DistillError> {
    if let Some(folder) = teacher_init {
        CausalLm::from_dir(folder, device)?;
        LmTokenizer::from_dir(folder)?;
    }
    if let Some(folder) = student_init {
        let (settings, seed) = (&config.student, config.seed);
        let (names, lengths) = (schema.names(), settings.lengths());
        pretrained(folder, &names, lengths, &settings.layers, seed, device)?;
    }
    Ok(())
}
