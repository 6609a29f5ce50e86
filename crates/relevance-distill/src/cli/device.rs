//! `--device`.

use clap::Args;
use relevance_distill::DistillError;
use relevance_distill::burn::tensor::Device;
use relevance_distill::device::DeviceChoice;

#[derive(Args, Clone, Copy, Debug)]
pub(super) struct DeviceArgs {
    /// Where to compute: flex, libtorch, libtorch-cuda:INDEX, wgpu or cuda:INDEX; all but flex need a
    /// build with the cargo feature of that name.
    #[arg(long, default_value = "flex")]
    pub(super) device: DeviceChoice,
}

impl DeviceArgs {
    pub(super) fn open(self) -> Result<Device, DistillError> {
        Ok(self.device.open()?)
    }
}
