//! Cross entropy of the standard view.

use burn::tensor::Device;
use crsd_loss::{CrsdHeads, cross_entropy};
use training_loop::StepOutput;

use super::accuracy;
use crate::StudentError;
use crate::train::{Objective, ObjectiveContext, Passes, StudentBatch, View};

/// Cross entropy of the standard view alone, in nats; reasons are not read.
///
/// ```
/// use student_model::{CrossEntropy, Objective, View};
/// assert_eq!(CrossEntropy.passes(), [View::Standard]);
/// assert!(!CrossEntropy.needs_teacher_probabilities());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CrossEntropy;

impl Objective for CrossEntropy {
    type Heads = CrsdHeads;

    fn name(&self) -> &str {
        "cross_entropy"
    }

    fn passes(&self) -> Vec<View> {
        vec![View::Standard]
    }

    fn init_heads(&self, _: usize, _: u64, _: &Device) -> Result<CrsdHeads, StudentError> {
        Ok(CrsdHeads::none())
    }

    fn step(
        &self,
        passes: Passes,
        _: &CrsdHeads,
        batch: &StudentBatch,
        _: &ObjectiveContext<'_>,
    ) -> Result<StepOutput, StudentError> {
        let [standard] = passes.into_array()?;
        let accuracy = accuracy(&standard.logits, &batch.labels);
        let loss = cross_entropy(standard.logits, batch.labels.clone())?.mean();
        Ok(StepOutput::new(loss.clone())
            .with_tensor_metric("loss_sce", loss)
            .with_tensor_metric("accuracy", accuracy))
    }

    fn config(&self) -> serde_json::Value {
        self.name().into()
    }
}
