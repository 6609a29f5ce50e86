//! Training a student: by cross entropy, by CRSD on two views of each pair, or by an ablation.

mod batch;
mod config;
mod example;
mod fit;
mod module;
mod objective;
mod passes;
mod queue;
mod steps;
mod task;
mod view_batch;

pub use batch::StudentBatch;
pub use config::{NegativePolicy, StudentTrainConfig};
pub use example::StudentExample;
pub use fit::{train_student, train_student_with};
pub use module::StudentModule;
pub use objective::{LogitKdConfig, Objective, RDropConfig};
pub use task::{Evaluator, StudentTask};
pub use view_batch::ViewBatch;
