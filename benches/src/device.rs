//! The device that is measured.

use burn::tensor::Device;

/// The device named by the environment variable `BENCH_DEVICE`: `flex` (default), `libtorch`,
/// `libtorch-cuda`, `wgpu` or `cuda`; without autodiff. Each needs the build feature of its
/// backend.
///
/// # Errors
/// One line that says which name was asked for and what this build could run.
pub fn bench_device() -> Result<Device, String> {
    let name = std::env::var("BENCH_DEVICE").unwrap_or_else(|_| "flex".into());
    match name.as_str() {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        // burn 0.22 deprecates libtorch in favour of CubeCL.
        #[cfg(feature = "libtorch")]
        #[allow(deprecated)]
        "libtorch" => Ok(Device::libtorch()),
        #[cfg(feature = "libtorch")]
        #[allow(deprecated)]
        "libtorch-cuda" => Ok(Device::libtorch_cuda(0)),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        _ => Err(format!(
            "BENCH_DEVICE is `{name}`; allowed: flex, libtorch, libtorch-cuda, wgpu, cuda, each in \
             a build with the feature of its backend (cargo bench -p benches --features libtorch)"
        )),
    }
}
