//! The student's forward pass on this machine's processor.
//!
//! [`Ranker`](crate::Ranker) and [`predict`](crate::predict()) use it for models on the device
//! `Device::flex()`, whose weights they copy once into the order in which the kernels read them (about
//! as much memory again as the checkpoint). Nothing is learned here: training and
//! [`BertForSequenceClassification::forward`](crate::BertForSequenceClassification::forward) are burn's.
//!
//! What makes it fast: sequences lie end to end, so that padding costs nothing; a block of rows goes
//! through a whole layer in one thread's cache; the kernels hold their sums in registers, by the widest
//! vectors that the processor has ([`vector_math::Instructions`]). Each
//! row's sums are taken in one order whatever stands beside it, so that a pair's result does not depend,
//! to the bit, on the rest of the batch or on the number of threads.
//!
//! Shapes: `h` is padded to whole panels of the kernel's width, with zeros.

mod activation;
mod aligned;
mod attention;
mod classifier;
mod embeddings;
mod encoder;
mod engine;
mod layer;
mod layer_norm;
mod packed_linear;
mod pool;
mod sequences;
mod tile;

pub(crate) use engine::CpuEngine;
