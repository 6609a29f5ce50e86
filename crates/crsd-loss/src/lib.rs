//! The training objective of CRSD: cross entropy on two views of the same query and item, one
//! with the teacher's reasoning and one without, and an InfoNCE term that pulls each pair's two
//! representations together and apart from the rest of the batch. Tensors in, one loss per
//! example out; no model, no tokenizer, no reduction. It implements the objective of Figure 3 of
//! "From Reasoning LLMs to BERT" (arXiv 2510.11056); the hyper-parameters' defaults are ours.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use crsd_loss::{CrsdInput, CrsdLossConfig, label_tensor};
//!
//! let device = Device::default();
//! let view = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 2.0]], &device);
//! let labels = label_tensor(&[0, 1], 2, &device)?;
//! let input = CrsdInput { standard_logits: view.clone(), reasoned_logits: view.clone(),
//!     standard: view.clone(), reasoned: view, labels, negatives: None };
//! let output = CrsdLossConfig::new().with_temperature(0.5).init()?.forward(input, 1.0)?;
//! let align: f32 = output.align.mean().into_scalar();
//! assert!((align - (1.0 + (-2.0f32).exp()).ln()).abs() < 1e-6); // ln(1 + e^{-1/τ})
//! # Ok::<(), crsd_loss::CrsdLossError>(())
//! ```
//!
//! # The objective
//! `z = x / |x|`, `S_ij = z_i · z'_j / τ`, `L_align,i = -S_ii + logsumexp_j S_ij`,
//! `L_i = L_sce,i + L_tce,i + λ L_align,i`.
//!
//! | symbol | meaning | where |
//! |---|---|---|
//! | `b`, `k`, `h` | examples, classes, hidden size | |
//! | `L_sce`, `L_tce` | [`cross_entropy`] of the standard and of the reasoned view | nats |
//! | `L_align` | [`InfoNce`] or another [`Align`] term | nats |
//! | `x`, `x'` | representations of the two views, `[b, h]` | [`CrsdInput`] |
//! | τ | [`CrsdLossConfig::temperature`] | 0.05 |
//! | λ | [`CrsdLossConfig::lambda`], warmed up by [`LambdaSchedule`] | 0.1 |
//!
//! # Alternatives
//! [`MseAlign`], [`CosineAlign`], [`ViewKl`] and [`SupCon`] take the place of InfoNCE by
//! [`CrsdLossConfig::align`], one's own term by [`CrsdLoss::with_align_loss`]; [`logit_kd`] is
//! classic distillation from a teacher's distribution, [`r_drop`] two passes of one view.
//!
//! A [`CrsdLoss`] is a plain value. What learns along with the student, a projection head and a
//! temperature, sits in one module, [`CrsdHeads`]; a [`CrsdStep`] passes it to
//! [`CrsdLoss::forward_with`], together with per-example weights ([`AlignWeighting`]) and negatives
//! from earlier batches ([`MemoryQueue`]).
//!
//! # Training
//! Create tensors on `device.autodiff()` and call `output.per_example.mean().backward()`. Everything is computed in f32, whatever the input's
//! type. [`NegativeMask`] takes false negatives out; [`Diagnostics`] tells, on demand, whether
//! the views meet, spread out or collapse, and [`CollapseAlarm`] when to worry. [`GradCache`] trains
//! with batches whose graph would not fit into memory.

mod align;
mod align_weighting;
mod collapse_alarm;
mod config;
mod contrast;
mod cosine_align;
mod cross_entropy;
mod crsd;
mod crsd_heads;
mod crsd_step;
mod diagnostics;
mod direction;
mod effective_rank;
mod error;
mod grad_cache;
mod info_nce;
mod labels;
mod lambda_schedule;
mod learnable_temperature;
mod logit_kd;
mod memory_queue;
mod mse_align;
mod negative_mask;
mod projection_head;
mod r_drop;
mod shape;
mod softmax;
mod sup_con;
mod unit_norm;
mod view_kl;

pub use align::{Align, AlignInput, AlignLoss};
pub use align_weighting::{AlignWeighting, student_difficulty, teacher_confidence};
pub use collapse_alarm::{CollapseAlarm, CollapseSymptom, View};
pub use config::CrsdLossConfig;
pub use cosine_align::CosineAlign;
pub use cross_entropy::cross_entropy;
pub use crsd::{CrsdInput, CrsdLoss, CrsdOutput};
pub use crsd_heads::CrsdHeads;
pub use crsd_step::CrsdStep;
pub use diagnostics::Diagnostics;
pub use direction::Direction;
pub use error::CrsdLossError;
pub use grad_cache::{Chunk, GradCache, in_batch_order, without_graph};
pub use info_nce::{InfoNce, InfoNceConfig};
pub use labels::{check_labels, label_tensor};
pub use lambda_schedule::LambdaSchedule;
pub use learnable_temperature::LearnableTemperature;
pub use logit_kd::logit_kd;
pub use memory_queue::{MemoryQueue, MemoryQueueState, QueuedNegatives};
pub use mse_align::MseAlign;
pub use negative_mask::NegativeMask;
pub use projection_head::{ProjectionHead, ProjectionHeadConfig};
pub use r_drop::{RDropOutput, r_drop};
pub use sup_con::{SupCon, SupConViews};
pub use unit_norm::unit_norm;
pub use view_kl::ViewKl;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
