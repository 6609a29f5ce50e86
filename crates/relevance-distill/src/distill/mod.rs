//! A student from any annotations file, by CRSD or an ablation of it.
//!
//! [`Distill`] says what is read and where the student goes, [`DistillConfig`] how it is trained.

mod config;
mod run;

pub use config::{DistillConfig, METRICS};
pub use run::{Distill, Distilled};
