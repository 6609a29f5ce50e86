//! How a job runs, beside what it does.

use burn::tensor::Device;
use training_loop::Interrupt;

/// Where a job computes, whether it goes on with an earlier one, and when it stops.
#[derive(Clone, Debug)]
pub struct Job {
    /// The burn device, without autodiff.
    pub device: Device,
    /// Go on with what the output folder holds.
    pub resume: bool,
    /// The command as typed, for the report.
    pub command_line: String,
    /// Once requested, the job stops after the step in hand, so that it can be resumed.
    pub interrupt: Interrupt,
}
