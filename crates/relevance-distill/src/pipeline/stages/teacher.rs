//! A teacher that is asked.

use relevance_data::LabelSchema;
use teacher_train::Teacher;

use crate::error::DistillError;
use crate::pipeline::artifacts::TeacherFolder;
use crate::pipeline::stage_context::StageContext;
use crate::pipeline::teacher_config::TeacherConfig;

/// The teacher in a folder, with what it is asked and how long that may be.
pub(super) fn teacher(
    folder: &TeacherFolder,
    schema: &LabelSchema,
    config: &TeacherConfig,
    context: &StageContext,
) -> Result<Teacher, DistillError> {
    let (model, tokenizer) = folder.load(&context.device)?;
    Ok(Teacher {
        model,
        tokenizer,
        template: config.template(schema),
        schema: schema.clone(),
        max_prompt_length: config.max_prompt_length(),
    })
}
