//! The training path's heavy parts on the pure-Rust CPU backend, with gradients derived by hand: one
//! pass over memory where burn's operations make one each, on all cores, with dropout's masks
//! computed and not stored. Each file opens with its derivation.
//!
//! Every other backend, and inference, takes the operations of burn. [`applies_to`] decides.

mod attention;
mod bias;
mod dropout_mask;
mod gelu;
mod node;
mod primitive;
mod residual_norm;
mod sums;

pub(crate) use attention::{Projections, attention};
pub(crate) use gelu::bias_gelu;
pub(crate) use primitive::applies_to;
pub(crate) use residual_norm::residual_norm;

#[cfg(test)]
mod tests;
