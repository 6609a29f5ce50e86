//! Training a student: by cross entropy, or by CRSD on two views of each pair.

mod config;
mod example;
mod fit;
mod task;

pub use config::{NegativePolicy, Objective, StudentTrainConfig};
pub use example::StudentExample;
pub use fit::train_student;
pub use task::{StudentBatch, StudentTask};
