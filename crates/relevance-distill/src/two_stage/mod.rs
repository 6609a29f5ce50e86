//! The two-stage run: from real pairs to an evaluated student.
//!
//! [`stages`] is the recipe; the rest is what it stands on: [`config`] and its presets, [`data`],
//! and the [`manifest`] that makes a run resumable.

pub mod config;
pub mod data;
pub mod manifest;
mod preflight;
pub mod run;
pub mod stage;
pub mod stages;
