//! Which vector instructions the functions use.

use std::fmt;

use pulp::{Arch, WithSimd};

use crate::VectorFunction;
use crate::map::Map;

/// A set of vector instructions that this processor has; that it has them is what the value proves.
///
/// ```
/// use vector_math::Instructions;
///
/// // Every processor can do without vectors; what it has comes first.
/// let all = Instructions::available();
/// assert_eq!(format!("{:?}", all[all.len() - 1]), "one number at a time");
/// assert_eq!(format!("{:?}", all[0]), format!("{:?}", Instructions::best()));
/// ```
#[derive(Clone, Copy)]
pub struct Instructions(Set);

/// Not `pulp::Arch` itself, whose AVX2 variant exists only with a feature of `pulp` that others may
/// leave off.
#[derive(Clone, Copy)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// NEON or WebAssembly's vectors, where the target has them.
    #[cfg(not(target_arch = "x86_64"))]
    Native(Arch),
    Scalar,
}

impl Instructions {
    /// The widest that this processor has. Cheap: what it has is looked up once a process.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(simd) = pulp::x86::V4::try_new() {
                return Self(Set::Avx512(simd));
            }
            if let Some(simd) = pulp::x86::V3::try_new() {
                return Self(Set::Avx2(simd));
            }
            Self(Set::Scalar)
        }
        #[cfg(not(target_arch = "x86_64"))]
        Self(Set::Native(Arch::new()))
    }

    /// All that this processor has, the widest first and single numbers last: for tests.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(pulp::x86::V4::try_new().map(Set::Avx512));
            found.extend(pulp::x86::V3::try_new().map(Set::Avx2));
        }
        #[cfg(not(target_arch = "x86_64"))]
        found.push(Set::Native(Arch::new()));
        found.push(Set::Scalar);
        found.into_iter().map(Self).collect()
    }

    /// Runs `op`, compiled for these instructions. Its `with_simd` should be `#[inline(always)]`, and
    /// what it calls too: that is what gets it compiled once for each set. Plain loops over numbers
    /// within it become vector instructions as well.
    ///
    /// ```
    /// use vector_math::Instructions;
    /// use vector_math::pulp::{Simd, WithSimd};
    ///
    /// /// `Σ x²`
    /// struct SquareSum<'a>(&'a [f32]);
    ///
    /// impl WithSimd for SquareSum<'_> {
    ///     type Output = f32;
    ///
    ///     #[inline(always)]
    ///     fn with_simd<S: Simd>(self, simd: S) -> f32 {
    ///         let (vectors, rest) = S::as_simd_f32s(self.0);
    ///         let zero = simd.splat_f32s(0.0);
    ///         let sum = vectors.iter().fold(zero, |sum, &x| simd.mul_add_e_f32s(x, x, sum));
    ///         simd.reduce_sum_f32s(sum) + rest.iter().map(|x| x * x).sum::<f32>()
    ///     }
    /// }
    /// assert_eq!(Instructions::best().dispatch(SquareSum(&[2.0; 21])), 84.0);
    /// ```
    #[inline]
    pub fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(simd) => pulp::Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(simd) => pulp::Simd::vectorize(simd, op),
            #[cfg(not(target_arch = "x86_64"))]
            Set::Native(arch) => arch.dispatch(op),
            Set::Scalar => Arch::Scalar.dispatch(op),
        }
    }

    /// `x ← f(x)` for every number.
    ///
    /// ```
    /// use vector_math::{Instructions, Tanh};
    ///
    /// let mut x = [0.0, 20.0, -20.0];
    /// Instructions::best().map(Tanh, &mut x);
    /// assert_eq!(x, [0.0, 1.0, -1.0]);
    /// ```
    pub fn map(self, function: impl VectorFunction, numbers: &mut [f32]) {
        self.dispatch(Map { function, numbers });
    }
}

impl fmt::Debug for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "AVX2",
            #[cfg(not(target_arch = "x86_64"))]
            Set::Native(_) => "this target's vectors",
            Set::Scalar => "one number at a time",
        })
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
