//! The forward passes of a batch: in one graph, or chunk by chunk with cached gradients.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use crsd_loss::{Chunk, GradCache, in_batch_order, without_graph};
use pair_tokenizer::TokenBatch;
use training_loop::{StepContext, StepOutput, mix_seed};

use super::{Objective, StudentBatch, StudentModule, ViewBatch};
use crate::{BertForSequenceClassification, ClassifierOutput, StudentError};

/// What an objective reads of a pass.
#[derive(Debug, Clone)]
pub(super) struct PassOutput {
    /// `[b, K]`
    pub(super) logits: Tensor<2>,
    /// `[b, h]`
    pub(super) cls: Tensor<2>,
}

impl From<[Tensor<2>; 2]> for PassOutput {
    fn from([logits, cls]: [Tensor<2>; 2]) -> Self {
        Self { logits, cls }
    }
}

/// One thing a pass.
pub(super) enum Passes<T> {
    /// The standard view alone.
    One(T),
    /// Two views, or one view twice.
    Two([T; 2]),
}

impl<T> Passes<T> {
    fn try_map<U>(
        self,
        mut f: impl FnMut(T, u64) -> Result<U, StudentError>,
    ) -> Result<Passes<U>, StudentError> {
        Ok(match self {
            Self::One(first) => Passes::One(f(first, 0)?),
            Self::Two([first, second]) => Passes::Two([f(first, 0)?, f(second, 1)?]),
        })
    }
}

/// The views that `objective` runs through the model.
fn views<'a>(objective: &Objective, batch: &'a StudentBatch) -> Passes<&'a ViewBatch> {
    let standard = &batch.standard;
    match (objective, &batch.reasoned) {
        (Objective::Crsd(_), Some(reasoned)) => Passes::Two([standard, reasoned]),
        (Objective::RDrop(_), _) => Passes::Two([standard, standard]),
        _ => Passes::One(standard),
    }
}

/// The loss in one graph with all passes.
pub(super) fn whole_step(
    module: &StudentModule,
    objective: &Objective,
    batch: &StudentBatch,
    loss: impl FnOnce(Passes<PassOutput>) -> Result<StepOutput, StudentError>,
) -> Result<StepOutput, StudentError> {
    let outputs = views(objective, batch).try_map(|view, _| {
        let forward = |chunk: &Chunk<TokenBatch>| forward(&module.student, &chunk.input);
        let (logits, cls) = view.chunks.iter().map(forward).map(<(_, _)>::from).unzip();
        Ok(PassOutput {
            logits: in_batch_order(&view.chunks, logits)?,
            cls: in_batch_order(&view.chunks, cls)?,
        })
    })?;
    loss(outputs)
}

/// The same loss, and its gradient by gradient caching: a graph spans one chunk at a time.
pub(super) fn cached_step(
    module: &StudentModule,
    objective: &Objective,
    batch: &StudentBatch,
    context: &StepContext,
    loss: impl FnOnce(Passes<PassOutput>) -> Result<StepOutput, StudentError>,
) -> Result<StepOutput, StudentError> {
    let device = module.student.device();
    let seed = mix_seed(context.seed, context.micro_step as u64);
    let frozen = without_graph(&module.student);
    let mut caches = Vec::new();
    let outputs = views(objective, batch).try_map(|view, pass| {
        let chunks = view.chunks.clone();
        let cache = GradCache::encode(chunks, mix_seed(seed, pass), &device, |tokens| {
            Ok::<_, StudentError>(forward(&frozen, tokens))
        })?;
        let outputs = cache.outputs().into();
        caches.push(cache);
        Ok(outputs)
    })?;
    // A second copy of the parameters would keep the optimizer from updating them in place.
    drop(frozen);
    let output = loss(outputs)?;

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
