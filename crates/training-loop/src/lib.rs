//! One training loop for burn modules: schedule, clipping, accumulation, checkpoints, resume, metrics, progress.
