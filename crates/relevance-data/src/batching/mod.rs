//! Which examples form which batch.

mod sampler;

pub use sampler::BatchSampler;
