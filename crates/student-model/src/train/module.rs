//! What a run optimises.

use burn::module::Module;
use crsd_loss::CrsdHeads;
use training_loop::mix_seed;

use super::Objective;
use crate::{BertForSequenceClassification, StudentError};

/// The stream of a run's seed that the heads are drawn from.
const HEADS: u64 = 0x4845_4144;

/// The student, and what its objective has to learn: one module, so that one optimizer moves both
/// and a checkpoint holds both. Only the student outlives the run.
#[derive(Module, Debug)]
pub struct StudentModule {
    /// The student.
    pub student: BertForSequenceClassification,
    heads: Option<CrsdHeads>,
}

impl StudentModule {
    /// The student with the heads that `objective` asks for, drawn from the run's `seed`.
    ///
    /// # Errors
    /// [`StudentError::Loss`] for a bad configuration of the heads.
    pub fn new(
        student: BertForSequenceClassification,
        objective: &Objective,
        seed: u64,
    ) -> Result<Self, StudentError> {
        let heads = match objective {
            Objective::Crsd(config) => {
                let (width, seed) = (student.config().hidden_size, mix_seed(seed, HEADS));
                Some(CrsdHeads::new(config, width, seed, &student.device())?)
            }
            _ => None,
        };
        Ok(Self {
            student,
            heads: heads.filter(|heads| !heads.is_empty()),
        })
    }

    /// A projection head and a temperature, as far as the objective has them.
    pub fn heads(&self) -> Option<&CrsdHeads> {
        self.heads.as_ref()
    }
}
