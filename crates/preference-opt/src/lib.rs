//! Preference optimisation of causal language models: DPO with a frozen reference. A loss sees
//! the log-probabilities of a chosen and a rejected reply under policy and reference
//! ([`PairLogProbs`]) and gives a loss for each pair ([`PreferenceLoss`]); [`train_dpo`] turns
//! preference pairs into these numbers and runs the training loop. Scores and pairs arrive as data:
//! this crate knows no reward.
//!
//! ```
//! use burn::{Tensor, tensor::Device};
//! use preference_opt::{DpoLoss, PairLogProbs, PreferenceLoss};
//!
//! let tensor = |value: f32| Tensor::<1>::from_floats([value], &Device::flex());
//! let log_probs = |chosen, rejected| PairLogProbs {
//!     chosen: tensor(chosen), rejected: tensor(rejected),
//!     chosen_tokens: tensor(5.0), rejected_tokens: tensor(4.0),
//! };
//! // The policy finds the chosen reply likelier than the reference did, the rejected one less.
//! let output = DpoLoss::default().forward(log_probs(-6.0, -9.0), log_probs(-8.0, -8.0));
//! let (loss, margin) = (0.5544, 0.1 * ((-6.0 + 8.0) - (-9.0 + 8.0)));
//! assert!((output.per_example.clone().into_scalar::<f32>() - loss).abs() < 1e-4);
//! assert!((output.metrics()[3].1.clone().into_scalar::<f32>() - margin).abs() < 1e-6);
//! ```
//!
//! # Logged metrics
//! Those of TRL's `DPOTrainer`, under its names, each the mean over the batches since the last entry:
//! `rewards/chosen`, `rewards/rejected`, `rewards/accuracies`, `rewards/margins`, `logps/chosen`,
//! `logps/rejected`; beside them what [`training_loop::LogEntry`] holds.
//!
//! # Against TRL 1.16
//! Loss, gradients and metrics are held against `DPOTrainer._compute_loss`, and a run of eight
//! steps against `DPOTrainer.train`. Two terms of the loss are ours: TRL's `sigmoid` loss smooths no
//! labels (here `label_smoothing` is the conservative DPO of the paper's authors), and TRL's `sft` loss,
//! added by `loss_type=["sigmoid", "sft"]` and `loss_weights`, averages over the tokens of a batch where
//! [`DpoLoss::nll_weight`] averages over each reply. TRL 1.16 has no `max_prompt_length`, and its
//! trainer no switch that keeps the pairs in their order: [`DpoConfig`] says which fields are ours.
//!
//! Symbols in shapes: `b` pairs.

mod config;
mod dpo_loss;
mod encode;
mod error;
mod preference_loss;
mod task;
mod train;

pub use config::DpoConfig;
pub use dpo_loss::DpoLoss;
pub use encode::encode_pairs;
pub use error::PreferenceError;
pub use preference_loss::{PairLogProbs, PreferenceLoss, PreferenceOutput};
pub use train::{train_dpo, train_preference};

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
