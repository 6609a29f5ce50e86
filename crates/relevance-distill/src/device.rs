//! `--device`: the backend and the device that a command runs on.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

/// A device as written on the command line: `flex`, `libtorch`, `libtorch-cuda:0`, `wgpu`, `cuda:0`.
///
/// Parsing checks the name; [`DeviceChoice::open`] checks that this build has the backend.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// Pure Rust on the CPU.
    Flex,
    /// LibTorch on the CPU.
    LibTorch,
    /// LibTorch on the CUDA GPU of this index.
    LibTorchCuda(usize),
    /// The best adapter that wgpu finds.
    Wgpu,
    /// CUDA through CubeCL, on the GPU of this index.
    Cuda(usize),
}

/// Why a device cannot be used.
#[non_exhaustive]
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeviceError {
    /// The name is none of the known ones.
    #[error(
        "unknown device `{name}`; allowed: flex, libtorch, libtorch-cuda:INDEX, wgpu, cuda:INDEX"
    )]
    Unknown {
        /// What was typed.
        name: String,
    },
    /// The backend exists but is not in this build.
    #[error("device `{name}` needs a build with `--features {feature}`")]
    NotBuilt {
        /// The device asked for.
        name: String,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown { name: name.into() };
        let (kind, index) = match name.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse().map_err(|_| unknown())?)),
            None => (name, None),
        };
        match (kind, index) {
            ("flex", None) => Ok(Self::Flex),
            ("libtorch", None) => Ok(Self::LibTorch),
            ("libtorch-cuda", index) => Ok(Self::LibTorchCuda(index.unwrap_or(0))),
            ("wgpu", None) => Ok(Self::Wgpu),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flex => f.write_str("flex"),
            Self::LibTorch => f.write_str("libtorch"),
            Self::LibTorchCuda(index) => write!(f, "libtorch-cuda:{index}"),
            Self::Wgpu => f.write_str("wgpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl DeviceChoice {
    /// The burn device, without autodiff.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotBuilt`] if this build lacks the backend's cargo feature.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            #[cfg(feature = "flex")]
            Self::Flex => Ok(Device::flex()),
            // burn 0.22 deprecates libtorch in favour of CubeCL; here it is still the only CUDA
            // backend that builds without a download.
            #[cfg(feature = "libtorch")]
            #[allow(deprecated)]
            Self::LibTorch => Ok(Device::libtorch()),
            #[cfg(feature = "libtorch")]
            #[allow(deprecated)]
            Self::LibTorchCuda(index) => Ok(Device::libtorch_cuda(index)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => Ok(Device::cuda(index)),
            #[allow(unreachable_patterns)]
            missing => Err(DeviceError::NotBuilt {
                name: missing.to_string(),
                feature: missing.feature(),
            }),
        }
    }

    fn feature(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::LibTorch | Self::LibTorchCuda(_) => "libtorch",
            Self::Wgpu => "wgpu",
            Self::Cuda(_) => "cuda",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_round_trips() {
        for name in ["flex", "libtorch", "libtorch-cuda:1", "wgpu", "cuda:0"] {
            let choice: DeviceChoice = name.parse().expect(name);
            assert_eq!(choice.to_string(), name);
        }
    }

    #[test]
    fn other_names_are_refused_with_the_allowed_ones() {
        for name in ["", "gpu", "flex:0", "cuda:x", "libtorch-cuda:"] {
            let error = name.parse::<DeviceChoice>().expect_err(name);
            assert!(error.to_string().contains("libtorch-cuda:INDEX"), "{error}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_that_is_not_built_names_its_feature() {
        let error = DeviceChoice::Cuda(0).open().expect_err("not built");
        assert!(error.to_string().contains("--features cuda"), "{error}");
    }
}
