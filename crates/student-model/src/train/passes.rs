//! The forward passes of a batch: in one graph, or chunk by chunk with cached gradients.

use burn::module::{Module, ModuleDisplay};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use crsd_loss::{Chunk, GradCache, in_batch_order, without_graph};
use pair_tokenizer::TokenBatch;
use training_loop::{StepContext, StepOutput, mix_seed};

use super::{StudentBatch, StudentModule, View};
use crate::{BertForSequenceClassification, ClassifierOutput, StudentError};

/// What one forward pass gives of every pair of a batch.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PassOutput {
    /// `[b, K]`
    pub logits: Tensor<2>,
    /// `[b, h]`, the last hidden state at `[CLS]`.
    pub cls: Tensor<2>,
}

impl PassOutput {
    /// Logits and representations of the same pairs.
    ///
    /// # Shapes
    /// - `logits`: `[b, K]`
    /// - `cls`: `[b, h]`
    pub fn new(logits: Tensor<2>, cls: Tensor<2>) -> Self {
        Self { logits, cls }
    }
}

/// The outputs of a step's forward passes, in the order of [`Objective::passes`](super::Objective::passes).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use student_model::{PassOutput, Passes, StudentError};
///
/// let device = Device::default();
/// let output = PassOutput::new(Tensor::zeros([2, 4], &device), Tensor::zeros([2, 16], &device));
/// let [only] = Passes::new(vec![output.clone()]).into_array()?;
/// assert_eq!(only.cls.dims(), [2, 16]);
/// let refused = Passes::new(vec![output]).into_array::<2>();
/// assert!(matches!(refused, Err(StudentError::PassCount { found: 1, expected: 2 })));
/// # Ok::<(), StudentError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Passes(Vec<PassOutput>);

impl Passes {
    /// Outputs that were computed elsewhere, to try an objective on.
    pub fn new(outputs: Vec<PassOutput>) -> Self {
        Self(outputs)
    }

    /// Exactly `N` outputs.
    ///
    /// # Errors
    /// [`StudentError::PassCount`] if there are more or fewer.
    pub fn into_array<const N: usize>(self) -> Result<[PassOutput; N], StudentError> {
        self.0
            .try_into()
            .map_err(|outputs: Vec<_>| StudentError::PassCount {
                found: outputs.len(),
                expected: N,
            })
    }

    /// However many there are.
    pub fn into_vec(self) -> Vec<PassOutput> {
        self.0
    }
}

/// The loss in one graph with all passes.
pub(super) fn whole_step<H: Module + ModuleDisplay>(
    module: &StudentModule<H>,
    passes: &[View],
    batch: &StudentBatch,
    loss: impl FnOnce(Passes) -> Result<StepOutput, StudentError>,
) -> Result<StepOutput, StudentError> {
    let mut outputs = Vec::with_capacity(passes.len());
    for &view in passes {
        let view = batch.view(view)?;
        let forward = |chunk: &Chunk<TokenBatch>| forward(&module.student, &chunk.input);
        let (logits, cls) = view.chunks.iter().map(forward).map(<(_, _)>::from).unzip();
        let logits = in_batch_order(&view.chunks, logits)?;
        let cls = in_batch_order(&view.chunks, cls)?;
        outputs.push(PassOutput { logits, cls });
    }
    loss(Passes(outputs))
}

/// The same loss, and its gradient by gradient caching: a graph spans one chunk at a time.
pub(super) fn cached_step<H: Module + ModuleDisplay>(
    module: &StudentModule<H>,
    passes: &[View],
    batch: &StudentBatch,
    context: &StepContext,
    loss: impl FnOnce(Passes) -> Result<StepOutput, StudentError>,
) -> Result<StepOutput, StudentError> {
    let device = module.student.device();
    let seed = mix_seed(context.seed, context.micro_step as u64);
    let frozen = without_graph(&module.student);
    let mut caches = Vec::with_capacity(passes.len());
    let mut outputs = Vec::with_capacity(passes.len());
    for (&view, pass) in passes.iter().zip(0..) {
        let chunks = batch.view(view)?.chunks.clone();
        let cache = GradCache::encode(chunks, mix_seed(seed, pass), &device, |tokens| {
            Ok::<_, StudentError>(forward(&frozen, tokens))
        })?;
        let [logits, cls] = cache.outputs();
        outputs.push(PassOutput { logits, cls });
        caches.push(cache);
    }
    // A second copy of the parameters would keep the optimizer from updating them in place.
    drop(frozen);
    let output = loss(Passes(outputs))?;

    let mut gradients = output.loss.backward();
    let mut sum = GradientsAccumulator::new();
    for cache in caches {
        cache.backward(
            &mut gradients,
            |tokens| Ok::<_, StudentError>(forward(&module.student, tokens)),
            |chunk| sum.accumulate(module, GradientsParams::from_grads(chunk, module)),
        )?;
    }
    // What is left is the heads'.
    sum.accumulate(module, GradientsParams::from_grads(gradients, module));
    Ok(output.with_gradients(sum.grads()))
}

/// Logits and representations, `[c, K]` and `[c, h]`.
fn forward(model: &BertForSequenceClassification, tokens: &TokenBatch) -> [Tensor<2>; 2] {
    let ClassifierOutput { logits, cls, .. } = model.forward(tokens);
    [logits, cls]
}
