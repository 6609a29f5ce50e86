//! What a run optimises.

use burn::module::{Module, ModuleDisplay};
use crsd_loss::CrsdHeads;
use training_loop::mix_seed;

use super::Objective;
use crate::{BertForSequenceClassification, StudentError};

/// The stream of a run's seed that the heads are drawn from.
const HEADS: u64 = 0x4845_4144;

/// The student, and what its objective has to learn: one module, so that one optimizer moves both
/// and a checkpoint holds both. Only the student outlives the run.
///
/// `H` is the objective's [`Heads`](Objective::Heads): [`CrsdHeads`] under the objectives of this crate.
///
/// ```
/// use burn::tensor::Device;
/// use crsd_loss::CrsdLossConfig;
/// use student_model::{BertConfig, BertForSequenceClassification, Crsd, StudentModule};
///
/// let bert = BertConfig { vocab_size: 50, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,
///     intermediate_size: 32, ..BertConfig::default() }.with_labels(&["Relevant", "Irrelevant"]);
/// let student = bert.init(7, &Device::default())?;
/// let crsd = Crsd::new(&CrsdLossConfig::new().with_learnable_temperature(true))?;
/// let module = StudentModule::new(student, &crsd, 7)?;
/// assert!(module.heads().temperature().is_some() && module.heads().projection().is_none());
/// # Ok::<(), student_model::StudentError>(())
/// ```
#[derive(Module, Debug)]
pub struct StudentModule<H: Module = CrsdHeads> {
    /// The student.
    pub student: BertForSequenceClassification,
    heads: H,
}

impl<H: Module + ModuleDisplay> StudentModule<H> {
    /// The student with the heads that `objective` asks for, drawn from the run's `seed`.
    ///
    /// # Errors
    /// As [`Objective::init_heads`].
    pub fn new(
        student: BertForSequenceClassification,
        objective: &(impl Objective<Heads = H> + ?Sized),
        seed: u64,
    ) -> Result<Self, StudentError> {
        let width = student.config().hidden_size;
        let heads = objective.init_heads(width, mix_seed(seed, HEADS), &student.device())?;
        Ok(Self { student, heads })
    }

    /// What learns beside the student.
    pub fn heads(&self) -> &H {
        &self.heads
    }
}

/// The heads of an objective of which nothing learns: no parameters.
///
/// ```
/// use burn::module::Module;
/// assert_eq!(student_model::NoHeads.num_params(), 0);
/// ```
#[derive(Module, Debug, Default)]
pub struct NoHeads;
