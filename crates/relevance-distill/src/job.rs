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

impl Job {
    /// A job that starts anew, was typed by nobody, and stops when it is done.
    ///
    /// ```
    /// use relevance_distill::burn::tensor::Device;
    /// use relevance_distill::job::Job;
    ///
    /// let job = Job::new(Device::default());
    /// assert!(!job.resume && !job.interrupt.is_requested());
    /// ```
    pub fn new(device: Device) -> Self {
        Self {
            device,
            resume: false,
            command_line: String::new(),
            interrupt: Interrupt::new(),
        }
    }
}
