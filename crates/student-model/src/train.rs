//! Training a student: by cross entropy, by CRSD on two views of each pair, by an ablation, or by an
//! objective of one's own.

mod batch;
mod config;
mod evaluator;
mod example;
mod example_check;
mod fit;
mod module;
mod negative_policy;
mod objective;
mod objective_config;
mod objectives;
mod passes;
mod reason;
mod task;
mod view_batch;

pub use batch::StudentBatch;
pub use config::StudentTrainConfig;
pub use crsd_loss::View;
pub use evaluator::Evaluator;
pub use example::{StudentExample, StudentLabels};
pub use fit::{StudentTrainer, train_student};
pub use module::{NoHeads, StudentModule};
pub use negative_policy::NegativePolicy;
pub use objective::{Objective, ObjectiveContext};
pub use objective_config::ObjectiveConfig;
pub use objectives::{CrossEntropy, Crsd, LogitKd, LogitKdConfig, RDrop, RDropConfig};
pub use passes::{PassOutput, Passes};
pub use reason::StudentReason;
pub use task::StudentTask;
pub use view_batch::ViewBatch;
