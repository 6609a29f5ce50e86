//! The student's forward pass on this machine's processor.

mod activation;
mod aligned;
mod attention;
mod classifier;
mod embeddings;
mod encoder;
mod exponential;
mod layer;
mod layer_norm;
mod packed_linear;
mod pool;
mod sequences;
mod tile;
pub(crate) use activation::Activation;
pub(crate) use attention::Heads;
pub(crate) use classifier::Classifier;
pub(crate) use embeddings::Embeddings;
pub(crate) use encoder::Encoder;
pub(crate) use layer::Layer;
pub(crate) use layer_norm::LayerNorm;
pub(crate) use packed_linear::{PackedLinear, Weights, panel_width};
pub(crate) use sequences::{Sequence, Sequences};
pub(crate) use aligned::Aligned;
