//! The decoder against `transformers` and torch (goldens/generate.py), and against itself.

mod batches;
mod checkpoints;
mod generation;
mod golden;
mod parity;
mod text;
