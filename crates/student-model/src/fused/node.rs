//! A hand-written operation's place in burn's autodiff graph.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

/// What a forward pass leaves: its output, and what the backward pass will want.
pub(super) struct Outcome<S> {
    pub(super) output: FlexTensor,
    pub(super) state: S,
}

impl<S: Clone + Send + std::fmt::Debug + 'static> Outcome<S> {
    /// Hangs the output below `parents`; the state is dropped if none of them needs a gradient.
    pub(super) fn record<const D: usize, const N: usize>(
        self,
        operation: impl Backward<Flex, N, State = S>,
        parents: [NodeGuard; N],
    ) -> Tensor<D> {
        let operation = operation
            .prepare::<NoCheckpointing>(parents)
            .compute_bound();
        Tensor::from_primitive::<Autodiff<Flex>>(match operation.stateful() {
            OpsKind::Tracked(tracked) => tracked.finish(self.state, self.output),
            OpsKind::UnTracked(untracked) => untracked.finish(self.output),
        })
    }
}

/// Adds to the gradient of a parent, if it needs one.
pub(super) fn register(grads: &mut Gradients, parent: Option<NodeId>, grad: FlexTensor) {
    if let Some(id) = parent {
        grads.register::<Flex>(id, grad);
    }
}
