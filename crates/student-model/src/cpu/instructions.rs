//! Which vector instructions the kernels use.

use pulp::{Arch, WithSimd};

/// A set of vector instructions that this processor has; that it has them is what the value proves.
///
/// Not `pulp::Arch` itself, whose AVX2 variant exists only with a feature of `pulp` that burn leaves off.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// NEON, WebAssembly's vectors, or one number at a time.
    Other(Arch),
}

impl Instructions {
    /// The widest.
    pub(crate) fn best() -> Self {
        Self::available()[0]
    }

    /// All that this processor has, the widest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(pulp::x86::V4::try_new().map(Self::Avx512));
            found.extend(pulp::x86::V3::try_new().map(Self::Avx2));
        }
        #[cfg(not(target_arch = "x86_64"))]
        found.push(Self::Other(Arch::new()));
        found.push(Self::Other(Arch::Scalar));
        found
    }

    /// Runs `op`, compiled for these instructions.
    pub(crate) fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => pulp::Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => pulp::Simd::vectorize(simd, op),
            Self::Other(arch) => arch.dispatch(op),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_processor_has_scalars_and_the_widest_come_first() {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;

            fn with_simd<S: pulp::Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        let lanes: Vec<usize> = Instructions::available()
            .into_iter()
            .map(|simd| simd.dispatch(Lanes))
            .collect();
        assert_eq!(lanes.last(), Some(&1));
        assert!(lanes.windows(2).all(|pair| pair[0] >= pair[1]), "{lanes:?}");
        assert_eq!(Instructions::best().dispatch(Lanes), lanes[0]);
    }
}
